// Records how a real kube-apiserver passes requests on: what it says of an APIService whose server can't be reached, how long it waits
// for one that can, which headers go on and come back, and what becomes of links.
//
//   node test/conformance/record-aggregation.mjs URL TOKEN ADDRESS
//
// The servers listen on 127.0.0.1 and on ADDRESS, an address of this machine that is not loopback (kube-apiserver passes nothing on
// to a pod at any other), with certificates that openssl makes; so the kube-apiserver must run on this machine.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer, request } from "node:https";
import { createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerTo, PAGE } from "./aggregation-case.mjs";

const [url, token, address] = process.argv.slice(2);
if (url === undefined || token === undefined || address === undefined) {
  console.error("usage: node test/conformance/record-aggregation.mjs URL TOKEN ADDRESS");
  process.exit(2);
}
const folder = new URL("aggregation/", import.meta.url);
const [GROUP, NS] = ["agg.example.com", "agg"];
const SERVICE = `v1.${GROUP}`;
const REMOTE = `/apis/${GROUP}/v1/namespaces/${NS}/things`;
const SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices";
const POD = `/api/v1/namespaces/${NS}/pods/web/proxy`;

/** Of the connection, or of this run. */
const OURS = ["audit-id", "date", "connection", "x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"];

const directory = mkdtempSync(join(tmpdir(), "aggregation-"));
const file = (name) => join(directory, name);
const openssl = (...args) => execFileSync("openssl", args, { stdio: "pipe" });
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
openssl("req", "-x509", ...KEY, "-days", "2", "-subj", "/CN=agg-ca", "-keyout", file("ca.key"), "-out", file("ca.crt"));
const caBundle = readFileSync(file("ca.crt")).toString("base64");
const good = certificateFor("ext");
const servers = [];

try {
  await send("POST", "/api/v1/namespaces", { metadata: { name: NS } });
  write("words", await words());
  write("passed", await passed());
} finally {
  await send("DELETE", `${SERVICES}/${SERVICE}`);
  await send("DELETE", `/api/v1/namespaces/${NS}/pods/web?gracePeriodSeconds=0`);
  await send("DELETE", `/api/v1/namespaces/${NS}/services/ext`);
  await send("DELETE", `/api/v1/namespaces/${NS}/serviceaccounts/default`);
  await send("DELETE", `/api/v1/namespaces/${NS}`);
  // What the namespace controller would do.
  const ended = { apiVersion: "v1", kind: "Namespace", metadata: { name: NS }, spec: { finalizers: [] } };
  await send("PUT", `/api/v1/namespaces/${NS}/finalize`, ended);
  for (const server of servers) {
    server.close();
    server.closeAllConnections?.();
  }
  rmSync(directory, { recursive: true });
}
process.exit(0);

/** The condition of an APIService by what is wrong with its server, and what a request to it is answered with. */
async function words() {
  const closed = await listening(createTcp());
  await new Promise((resolve) => servers.pop().close(resolve));
  const tcp = (act) => listening(createTcp((socket) => act(socket.on("error", () => {}))));
  const https = (tls, act) => listening(createServer(tls, act));
  const ok = await https(good, (_asked, answer) => answer.writeHead(200).end("{}"));
  const cases = [
    ["nobody listens", "127.0.0.1", closed],
    ["a name that nobody has", "nobody.invalid", 443],
    ["no answer in TLS", "127.0.0.1", await tcp(() => {})],
    ["reset in TLS", "127.0.0.1", await tcp((socket) => socket.once("data", () => socket.resetAndDestroy()))],
    ["closed in TLS", "127.0.0.1", await tcp((socket) => socket.once("data", () => socket.end()))],
    ["no TLS", "127.0.0.1", await tcp((socket) => socket.end("hello\n"))],
    ["as it should", "127.0.0.1", ok],
    ["no bundle", "127.0.0.1", ok, { caBundle: undefined }],
    ["no bundle, insecure", "127.0.0.1", ok, { caBundle: undefined, insecureSkipTLSVerify: true }],
    ["another name", "127.0.0.1", await https(certificateFor("other"), (_asked, answer) => answer.end())],
    ["no answer", "127.0.0.1", await https(good, () => {})],
    ["a failure", "127.0.0.1", await https(good, (_asked, answer) => answer.writeHead(500).end())],
    ["a redirect", "127.0.0.1", await https(good, (_asked, answer) => answer.writeHead(302, { location: "/" }).end())],
    ["closed", "127.0.0.1", await https(good, ({ socket }) => socket.end())],
    ["no HTTP", "127.0.0.1", await https(good, ({ socket }) => socket.end("GARBAGE\r\n\r\n"))],
  ];
  const facts = {};
  for (const [what, host, port, more] of cases) {
    await served(host, port, more);
    const { reason, message } = await condition(() => true);
    const told = message.replaceAll(`:${port}`, ":PORT").replace(/ on [\d.:[\]a-f]+:53:/, " on DNS:");
    facts[what] = { condition: `${reason}: ${told}` };
    if (reason === "FailedDiscoveryCheck") facts[what].answer = await shown("GET", REMOTE);
  }
  return facts;
}

async function passed() {
  const asked = [];
  const places = { remote: "", pod: "" };
  const handler = (where) => (incoming, outgoing) => {
    asked.push({ url: incoming.url, headers: incoming.headers });
    answerTo(incoming, outgoing, pageOf(places[where]));
  };
  const port = await listening(createServer(good, handler("remote")));
  places.remote = `127.0.0.1:${port}`;
  await served("127.0.0.1", port);
  await condition(({ status }) => status === "True");
  const podPort = await listening(createPlain(handler("pod")), address);
  places.pod = `${address}:${podPort}`;
  await startPod(podPort);
  const facts = {};
  const note = async (what, method, path, headers) => {
    facts[what] = JSON.parse(hidden(JSON.stringify(await shown(method, path, headers)), places));
  };
  for (const query of ["timeout=1s", "timeout=abc", "timeout=1", "timeout=-1s", "timeout=0s"]) {
    const last = query === "timeout=1s" ? "silent" : "plain";
    await note(query, "GET", `${REMOTE}/${last}?${query}`);
  }
  await note("timeout=1s of a POST", "POST", `${REMOTE}/silent?timeout=1s`);
  await note("timeout=1s of a list", "GET", `/apis/${GROUP}/v1/silent?timeout=1s`);
  await note("timeout=1s after it has begun", "GET", `${REMOTE}/partial?timeout=1s`);
  await note("timeout=1s of a watch", "GET", `/apis/${GROUP}/v1/lasting?watch=1&timeout=1s`);
  await note("timeout=1s of a log", "GET", `${REMOTE}/lasting/log?timeout=1s`);
  await note("discovery", "GET", `/apis/${GROUP}/v1`, { "x-silent": "1" });
  await note("discovery, timeout=1s", "GET", `/apis/${GROUP}/v1?timeout=1s`, { "x-silent": "1" });
  await note("timeout=abc here", "GET", "/api/v1/namespaces?timeout=abc");
  await note("a redirect of an aggregated API", "GET", `${REMOTE}/to?l=${encodeURIComponent("/elsewhere")}`);
  const from = { "x-forwarded-for": "1.2.3.4", "x-forwarded-host": "mine", accept: "*/*" };
  for (const [what, path] of [
    ["headers of an aggregated API", `${REMOTE}/plain?a=1`],
    ["headers of a pod", `${POD}/plain/?a=1`],
  ]) {
    await send("GET", path, undefined, from);
    const { headers } = asked.at(-1);
    const { "audit-id": _audit, authorization: _authorization, ...rest } = headers;
    facts[what] = JSON.parse(hidden(JSON.stringify(rest), places));
  }
  const own = `http://${places.pod}`;
  for (const link of ["/elsewhere?x=1", "/dir/", `${own}/own`, "https://elsewhere.example/x", "rel", `${POD}/in`]) {
    await note(`a redirect to ${link.replace(places.pod, "HOST")}`, "GET", `${POD}/to?l=${encodeURIComponent(link)}`);
  }
  await note("a page and a location", "GET", `${POD}/made`);
  await note("a page", "GET", `${POD}/page`);
  await note("a page that is not found", "GET", `${POD}/page-404`);
  return facts;
}

function pageOf(place) {
  return PAGE.replaceAll("HOST", place).replaceAll("PREFIX", POD).replaceAll("CLIENT", new URL(url).host);
}

function hidden(text, { remote, pod }) {
  const client = new URL(url).host;
  return text
    .replaceAll(remote, "REMOTE")
    .replaceAll(pod, "HOST")
    .replaceAll(client, "CLIENT")
    .replaceAll(POD, "PREFIX");
}

/** An APIService whose server is at that place, as an external name: so it needs no network of Services. */
async function served(externalName, port, more = {}) {
  await send("DELETE", `${SERVICES}/${SERVICE}`);
  await send("DELETE", `/api/v1/namespaces/${NS}/services/ext`);
  const spec = { type: "ExternalName", externalName };
  await send("POST", `/api/v1/namespaces/${NS}/services`, { metadata: { name: "ext" }, spec });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const service = { namespace: NS, name: "ext", port };
  const head = { group: GROUP, version: "v1", groupPriorityMinimum: 100, versionPriority: 10 };
  await send("POST", SERVICES, { metadata: { name: SERVICE }, spec: { ...head, caBundle, service, ...more } });
}

async function condition(isMeant) {
  for (;;) {
    const { text } = await send("GET", `${SERVICES}/${SERVICE}`);
    const found = JSON.parse(text).status?.conditions?.[0];
    if (found !== undefined && isMeant(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function startPod(port) {
  await send("POST", `/api/v1/namespaces/${NS}/serviceaccounts`, { metadata: { name: "default" } });
  const containers = [{ name: "main", image: "x", ports: [{ containerPort: port }] }];
  await send("POST", `/api/v1/namespaces/${NS}/pods`, { metadata: { name: "web" }, spec: { containers } });
  const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }] };
  const type = "application/merge-patch+json";
  await send("PATCH", `/api/v1/namespaces/${NS}/pods/web/status`, { status }, { "content-type": type });
}

async function shown(method, path, headers) {
  const got = await send(method, path, method === "POST" ? {} : undefined, headers);
  const kept = Object.entries(got.headers).filter(([name]) => !OURS.includes(name) && !/length|encoding/.test(name));
  return { status: got.status, headers: Object.fromEntries(kept), text: got.text, whole: got.whole };
}

function send(method, path, body, headers = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const sent = { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers };
  return new Promise((resolve, reject) => {
    const options = { method, rejectUnauthorized: false, agent: false, headers: sent };
    const outgoing = request(url + path, options, (incoming) => {
      const chunks = [];
      const done = (whole) => () => {
        const { statusCode: status, headers: got } = incoming;
        resolve({ status, headers: got, text: Buffer.concat(chunks).toString("utf8"), whole });
      };
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("end", done(true)).on("error", done(false));
    });
    outgoing.on("error", reject).end(text);
  });
}

function listening(server, host = "127.0.0.1") {
  servers.push(server);
  return new Promise((resolve) => server.listen(0, host, () => resolve(server.address().port)));
}

function certificateFor(name) {
  const subject = ["-subj", `/CN=${name}`, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`)];
  openssl("req", ...KEY, ...subject);
  writeFileSync(file("names"), `subjectAltName=DNS:${name}.${NS}.svc\n`);
  const signer = ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "2"];
  openssl(
    "x509",
    "-req",
    "-in",
    file(`${name}.csr`),
    ...signer,
    "-out",
    file(`${name}.crt`),
    "-extfile",
    file("names"),
  );
  return { cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) };
}

function write(name, facts) {
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(facts, null, 2)}\n`);
  console.log(`${name}: ${Object.keys(facts).length} facts`);
}
