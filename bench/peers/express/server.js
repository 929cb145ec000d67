// What is written in an afternoon: Express, `pg`, and a table of SHA-256 digests with an index. POST /verify with a key,
// answered with the key's id. `node server.js PORT KEYS DATABASE` first puts the lines "digest id" of KEYS into the table.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import express from "express";
import pg from "pg";

const [port, keys, database] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: database, max: 10 });

await pool.query(
  "CREATE TABLE keys (id text PRIMARY KEY, digest bytea NOT NULL UNIQUE, scopes text[] NOT NULL, expires_at timestamptz, revoked_at timestamptz)",
);
const lines = readFileSync(keys, "utf8").trimEnd().split("\n").map((line) => line.split(" "));
await pool.query(
  "INSERT INTO keys (digest, id, scopes) SELECT decode(digest, 'hex'), id, '{products:read,products:write}' FROM unnest($1::text[], $2::text[]) AS known (digest, id)",
  [lines.map(([digest]) => digest), lines.map(([, id]) => id)],
);
await pool.query("VACUUM ANALYZE keys");

const find = {
  // With a name it is parsed and planned once a connection.
  name: "find",
  text: "SELECT id, scopes, expires_at, revoked_at FROM keys WHERE digest = $1",
};
const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use(express.json());
app.post("/verify", async (request, response) => {
  const { key, scope } = request.body;
  const digest = createHash("sha256").update(key).digest();
  const { rows } = await pool.query({ ...find, values: [digest] });
  const [found] = rows;
  const isGood =
    found !== undefined &&
    found.revoked_at === null &&
    (found.expires_at === null || found.expires_at > new Date()) &&
    found.scopes.includes(scope);
  if (isGood) {
    response.json({ valid: true, key: { id: found.id } });
  } else {
    response.status(401).json({ valid: false });
  }
});
const server = app.listen(Number(port), "127.0.0.1");
server.keepAliveTimeout = 0;
