// The api-key plugin of better-auth behind node's own HTTP server: POST /verify with a key, answered with the key's id.
// `node server.js PORT KEYS NUMBER [STORE]` makes so many keys, writes each as "secret id" into the file KEYS, and serves.
// Without STORE the keys are in a map in memory, which is the fastest that the plugin has; with it in that SQLite file.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import Database from "better-sqlite3";

const [port, keys, number, store] = process.argv.slice(2);
// The owners stand in a database in both cases; a verify does not look at them.
const database = new Database(store ?? ":memory:");
database.pragma("journal_mode = WAL");
// With the default each of a verify's two writes would wait for the disk.
database.pragma("synchronous = NORMAL");

const map = new Map();
const secondaryStorage = {
  get: (name) => map.get(name) ?? null,
  set: (name, value) => void map.set(name, value),
  delete: (name) => void map.delete(name),
};
const auth = betterAuth({
  database,
  ...(store ? {} : { secondaryStorage }),
  baseURL: "http://127.0.0.1",
  secret: "the secret of a benchmark, which signs nothing",
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  telemetry: { enabled: false },
  plugins: [
    apiKey({
      storage: store ? "database" : "secondary-storage",
      // Otherwise a key would be refused after its tenth request.
      rateLimit: { enabled: false },
    }),
  ],
});
await (await getMigrations(auth.options)).runMigrations();

// Each key has an owner of its own: with every use the plugin goes through the list of all keys that its owner has.
const enrol = database.prepare(
  `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt") VALUES (?, ?, ?, 1, ?, ?)`,
);
const since = new Date(0).toISOString();
const permissions = { products: ["read"] };
const lines = [];
for (let n = 0; n < Number(number); n += 1) {
  const userId = `user-${n}`;
  enrol.run(userId, "Ada", `ada+${n}@example.com`, since, since);
  const body = { name: `ci-pipeline-${n}`, userId, permissions: { products: ["read", "write"] } };
  const made = await auth.api.createApiKey({ body });
  lines.push(`${made.key} ${made.id}\n`);
}
writeFileSync(keys, lines.join(""));

const answer = (response, status, value) => {
  const body = JSON.stringify(value);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
};

const server = createServer((request, response) => {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (part) => (text += part));
  request.on("end", async () => {
    const { key } = JSON.parse(text);
    const found = await auth.api.verifyApiKey({ body: { key, permissions } });
    if (found.valid) {
      answer(response, 200, { valid: true, key: { id: found.key.id } });
    } else {
      answer(response, 401, { valid: false });
    }
  });
});
server.keepAliveTimeout = 0;
server.listen(Number(port), "127.0.0.1");
