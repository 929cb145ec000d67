// Receives webhooks as a customer would, with the library of the Standard Webhooks specification.
//
//   node receiver.js PORT SECRET_FILE [CERTIFICATE_FILE KEY_FILE]
//
// Prints a line of JSON for each request. A request that is refused is never taken; one that comes again exactly as it
// was is a replay; an event that was taken already and is sent anew is answered as taken, and not taken twice.
"use strict";

const fs = require("fs");
const http = require("http");
const https = require("https");
const { Webhook } = require("standardwebhooks");

const [port, secretFile, certificate, key] = process.argv.slice(2);
const tls = certificate && { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
const create = (serve) => (tls ? https.createServer(tls, serve) : http.createServer(serve));
const requests = new Set();
const events = new Set();

function receive(headers, body) {
  const webhook = new Webhook(fs.readFileSync(secretFile, "utf8").trim());
  const payload = webhook.verify(body, headers);
  const id = headers["webhook-id"];
  const request = `${id} ${headers["webhook-timestamp"]}`;
  if (requests.has(request)) {
    throw new Error("replayed");
  }
  requests.add(request);
  const first = !events.has(id);
  events.add(id);
  return { outcome: first ? "taken" : "known", id, payload };
}

function answer(response, status, line, headers = {}) {
  process.stdout.write(JSON.stringify(line) + "\n");
  response.writeHead(status, headers);
  response.end(line.why || "thanks");
}

create((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { headers, url } = request;
    const body = Buffer.concat(parts).toString("utf8");
    const path = url.split("?")[0];
    if (path === "/redirect") {
      return answer(response, 307, { outcome: "redirected" }, { location: `http://127.0.0.1:${port}/hook` });
    }
    if (path === "/gone") {
      return answer(response, 410, { outcome: "gone" });
    }
    if (path === "/busy") {
      return answer(response, 429, { outcome: "busy" }, { "retry-after": "600" });
    }
    if (path === "/long") {
      return answer(response, 500, { outcome: "long", why: "x".repeat(1000000) });
    }
    if (path === "/raw") {
      return answer(response, 200, { outcome: "raw", headers, body });
    }
    try {
      answer(response, 200, { ...receive(headers, body), headers, body });
    } catch (error) {
      answer(response, 400, { outcome: "refused", why: error.message });
    }
  });
}).listen(Number(port), "127.0.0.1", () => process.stdout.write('{"outcome":"listening"}\n'));
