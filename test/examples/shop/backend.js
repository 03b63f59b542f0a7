// The image shop/backend:1: an offer of the day, with the name of the pod that made it.
import { createServer } from "node:http";
import { hostname } from "node:os";

const OFFERS = ["apples, half price", "two pears for one", "a melon to go"];
let served = 0;
let isEnding = false;

const server = createServer((request, response) => {
  if (request.url === "/healthz") return send(response, 200, { ok: true });
  if (request.url === "/ready") return send(response, isEnding ? 503 : 200, { ready: !isEnding });
  if (request.url !== "/offer") return send(response, 404, { error: "not found" });
  return send(response, 200, { offer: OFFERS[served++ % OFFERS.length], pod: hostname() });
});

function send(response, status, body) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

server.listen(8080, () => console.log("the back end listens on 8080"));

process.on("SIGTERM", () => {
  isEnding = true;
  console.log("the back end ends");
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
