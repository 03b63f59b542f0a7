// Records what a real kube-apiserver makes of the answers of a conversion webhook, which `conversion-case.mjs` lists.
//
//   node test/conformance/record-conversion.mjs URL TOKEN [PART…]        PART: a file of conversion/ without its ending
//
// The webhook listens on 127.0.0.1 with a certificate that openssl makes, so the kube-apiserver must run on this machine.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { createServer as createPlainServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANSWERS, GROUP, KIND, PLURAL } from "./conversion-case.mjs";
import { readScenarios, runScenario } from "./exchange.mjs";

const [url, token, ...asked] = process.argv.slice(2);
const isAsked = (part) => asked.length === 0 || asked.includes(part);
if (url === undefined || token === undefined) {
  console.error(
    "usage: node test/conformance/record-conversion.mjs URL TOKEN [PART…]        PART: a file of conversion/ without its ending",
  );
  process.exit(2);
}
const folder = new URL("conversion/", import.meta.url);
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const name = `${PLURAL}.${GROUP}`;
const object = {
  apiVersion: `${GROUP}/v1`,
  kind: KIND,
  metadata: { name: "a", labels: { tier: "old" } },
  spec: { hostPort: "h:1" },
};

const directory = mkdtempSync(join(tmpdir(), "conversion-"));
const [key, cert] = certificate(directory);
let answer = ANSWERS["as it should"];
const webhook = createServer({ key, cert }, (incoming, outgoing) => {
  const chunks = [];
  incoming.on("data", (chunk) => chunks.push(chunk));
  incoming.on("end", () => {
    const { code = 200, type = "application/json", body } = answer(JSON.parse(Buffer.concat(chunks)));
    if (body === undefined) return;
    outgoing.writeHead(code, { "content-type": type }).end(body);
  });
});
const port = await listening(webhook);
const caBundle = Buffer.from(cert).toString("base64");
const good = { url: `https://127.0.0.1:${port}/convert`, caBundle };

try {
  await removed();
  await made(definitionOf(good));
  await send("POST", `/apis/${GROUP}/v1/namespaces/default/${PLURAL}`, object);
  if (isAsked("answers")) write("answers", await ofAnswers());
  if (isAsked("clients")) write("clients", await ofClients());
  if (isAsked("verbs")) write("verbs", await ofVerbs());
} finally {
  answer = ANSWERS["as it should"];
  await send("PUT", `${definitions}/${name}`, await withClient(good));
  await removed();
  webhook.close();
  webhook.closeAllConnections();
  rmSync(directory, { recursive: true });
}

async function ofAnswers() {
  const facts = {};
  for (const [what, one] of Object.entries(ANSWERS)) facts[what] = await madeOf(one);
  return facts;
}

/** A webhook that is not reached: where, as kube-apiserver is told, and what it answers. */
async function ofClients() {
  const facts = {};
  answer = ANSWERS["as it should"];
  const closed = await free();
  const text = createPlainServer((socket) => socket.on("error", () => {}).end("hello\n"));
  const textPort = await listening(text);
  const cases = {
    "nobody listens": { url: `https://127.0.0.1:${closed}/convert`, caBundle },
    "no bundle": { url: good.url },
    "a bundle of spaces": { url: good.url, caBundle: Buffer.from(" \n").toString("base64") },
    "another name": { url: `https://localhost:${port}/convert`, caBundle },
    "no TLS": { url: `https://127.0.0.1:${textPort}/convert`, caBundle },
    "a name that nobody has": { url: "https://nobody.invalid/convert", caBundle },
    "a Service that is not there": { service: { namespace: "default", name: "none", path: "/convert" }, caBundle },
    "a Service without the port": {
      service: { namespace: "default", name: "kubernetes", port: 444, path: "/convert" },
      caBundle,
    },
    "a port left out, no path": { service: { namespace: "default", name: "none" }, caBundle },
    "no path": { url: `https://127.0.0.1:${closed}`, caBundle },
  };
  for (const [what, client] of Object.entries(cases)) {
    await send("PUT", `${definitions}/${name}`, await withClient(client));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const told = await told500();
    const texts = JSON.stringify(told)
      .replaceAll(String(port), "PORT")
      .replaceAll(String(closed), "CLOSED")
      .replaceAll(String(textPort), "TEXT");
    facts[what] = JSON.parse(texts);
  }
  text.close();
  await send("PUT", `${definitions}/${name}`, await withClient(good));
  answer = () => ({});
  facts["no answer"] = JSON.parse(JSON.stringify(await told500()).replaceAll(String(port), "PORT"));
  return facts;
}

/** As `record-exchanges.mjs`. */
async function ofVerbs() {
  const peer = {
    url,
    token,
    pauses: true,
    webhookUrl: good.url,
    bundle: caBundle,
    webhook: (what) => (answer = ANSWERS[what]),
  };
  const facts = {};
  for (const [index, scenario] of readScenarios(new URL("verbs.yaml", folder)).entries()) {
    facts[scenario.name] = await runScenario(peer, scenario, `conversion-${Date.now().toString(36)}-${index}`);
  }
  return facts;
}

async function told500() {
  const { status, body } = await send("GET", `/apis/${GROUP}/v2/namespaces/default/${PLURAL}/a`);
  return { status, body };
}

async function madeOf(one) {
  let uid = "";
  answer = (review) => {
    uid = review.request.uid;
    return one(review);
  };
  const { status, body } = await send("GET", `/apis/${GROUP}/v2/namespaces/default/${PLURAL}/a`);
  const objectUid = /"uid":"([^"]+)"/.exec(JSON.stringify(body))?.[1];
  delete body.metadata?.managedFields;
  delete body.metadata?.resourceVersion;
  let text = JSON.stringify({ status, body });
  if (uid !== "") text = text.replaceAll(uid, "REVIEW");
  text = text.replace(/must have the same UID: [0-9a-f-]+/, "must have the same UID: OBJECT");
  if (body.kind === KIND && objectUid !== undefined)
    text = text.replaceAll(objectUid, "OBJECT").replaceAll(body.metadata.creationTimestamp, "CREATED");
  return JSON.parse(text);
}

function definitionOf(clientConfig) {
  const text = { type: "string" };
  const version = (named, storage, properties) => ({
    name: named,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } },
  });
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { plural: PLURAL, singular: "thing", kind: KIND, listKind: `${KIND}List` },
      versions: [
        version("v1", true, { hostPort: text }),
        version("v2", false, { host: text, port: text, tier: { type: "string", default: "low" } }),
      ],
      conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } },
    },
  };
}

async function withClient(clientConfig) {
  const { body } = await send("GET", `${definitions}/${name}`);
  body.spec.conversion.webhook.clientConfig = clientConfig;
  return body;
}

async function made(definition) {
  await send("POST", definitions, definition);
  await until(async () => (await send("GET", `/apis/${GROUP}/v1/${PLURAL}`)).status === 200);
}

async function removed() {
  await send("DELETE", `${definitions}/${name}`);
  await until(async () => (await send("GET", `${definitions}/${name}`)).status === 404);
}

async function until(holds) {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it does not come to be");
}

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json",
    };
    const outgoing = request(`${url}${path}`, { method, headers, rejectUnauthorized: false }, (incoming) => {
      const chunks = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode, body: text.startsWith("{") ? JSON.parse(text) : text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function listening(server) {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

async function free() {
  const server = createPlainServer();
  const found = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return found;
}

function certificate(into) {
  const [keyFile, certFile] = [join(into, "key.pem"), join(into, "cert.pem")];
  const subject = ["-subj", "/CN=webhook", "-addext", "subjectAltName=IP:127.0.0.1"];
  const how = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  execFileSync("openssl", [...how, "-keyout", keyFile, "-out", certFile, ...subject], { stdio: "ignore" });
  return [readFileSync(keyFile, "utf8"), readFileSync(certFile, "utf8")];
}

function write(file, facts) {
  const text = (fact) =>
    Array.isArray(fact) ? `[\n${fact.map((one) => JSON.stringify(one)).join(",\n")}\n]` : JSON.stringify(fact);
  const lines = Object.entries(facts).map(([what, fact]) => `${JSON.stringify(what)}: ${text(fact)}`);
  writeFileSync(new URL(`${file}.json`, folder), `{\n${lines.join(",\n")}\n}\n`);
}
