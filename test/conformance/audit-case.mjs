/** What is asked of an API server that keeps an audit log, by which policy, and what of the log is compared: the same for both servers. */
import { request } from "node:https";

/** JSON is YAML. */
export const POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", resources: [{ group: "", resources: ["events"] }, { group: "coordination.k8s.io" }] },
    { level: "None", verbs: ["get"], nonResourceURLs: ["/healthz*", "/version"] },
    {
      level: "RequestResponse",
      omitManagedFields: true,
      namespaces: ["audited"],
      resources: [{ group: "", resources: ["configmaps"] }],
    },
    { level: "Request", namespaces: ["audited"], resources: [{ group: "", resources: ["secrets"] }] },
    {
      level: "Metadata",
      omitStages: ["ResponseStarted"],
      namespaces: ["audited"],
      resources: [{ group: "", resources: ["pods", "pods/log", "*/status"] }],
    },
    { level: "Metadata", users: ["admin"], namespaces: ["audited", ""] },
    { level: "Metadata" },
  ],
};

const CONFIGMAPS = "/api/v1/namespaces/audited/configmaps";
const SECRETS = "/api/v1/namespaces/audited/secrets";
const JSON_TYPE = "application/json";

/**
 * Method, path, body, headers. `WATCH` is closed after its first event.
 * @type {readonly (readonly [string, string, object?, Record<string, string>?])[]}
 */
export const REQUESTS = [
  ["POST", "/api/v1/namespaces", { metadata: { name: "audited" } }],
  ["GET", "/healthz/ping"],
  ["GET", "/version"],
  ["GET", "/openid/v1/jwks", undefined, { accept: "application/jwk-set+json" }],
  ["GET", "/apis/none.example.com/v1/things"],
  ["POST", CONFIGMAPS, { metadata: { name: "settings", labels: { a: "b" } }, data: { colour: "red" } }],
  ["POST", CONFIGMAPS, { metadata: { name: "settings" } }],
  ["POST", CONFIGMAPS, { metadata: { name: "Wrong_" } }],
  ["GET", `${CONFIGMAPS}/settings`],
  ["GET", `${CONFIGMAPS}/missing`],
  ["GET", `${CONFIGMAPS}?labelSelector=a%3Db`],
  ["PUT", `${CONFIGMAPS}/settings`, { metadata: { name: "settings" }, data: { colour: "blue" } }],
  ["PATCH", `${CONFIGMAPS}/settings`, { data: { size: "1" } }, { "content-type": "application/merge-patch+json" }],
  ["WATCH", `${CONFIGMAPS}?watch=true&fieldSelector=metadata.name%3Dsettings`],
  ["DELETE", `${CONFIGMAPS}/settings`, { propagationPolicy: "Background" }],
  ["DELETE", CONFIGMAPS],
  ["POST", SECRETS, { metadata: { name: "secret" }, stringData: { password: "hunter2" } }],
  ["GET", `${SECRETS}/secret`],
  ["GET", "/api/v1/namespaces/audited/pods"],
  ["GET", "/api/v1/namespaces/audited/pods/none/log"],
  ["GET", "/api/v1/nodes", undefined, { "user-agent": "a test", "audit-id": "named-by-its-client" }],
  ["GET", "/api/v1/namespaces", undefined, { "impersonate-user": "jane", "impersonate-group": "system:masters" }],
  ["GET", "/api/v1/namespaces", undefined, { authorization: "Bearer nobody's" }],
  ["POST", `${CONFIGMAPS}?dryRun=All`, { metadata: { generateName: "made-" } }],
  ["DELETE", `${CONFIGMAPS}/none`, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" }],
];

/** Sends them one after the other. @returns their Audit-Ids, in order */
export async function askAll(url, token, ca) {
  const ids = [];
  for (const [method, path, object, headers] of REQUESTS) {
    const given = {
      authorization: `Bearer ${token}`,
      accept: JSON_TYPE,
      "content-type": JSON_TYPE,
      "user-agent": "audit-case",
      ...headers,
    };
    ids.push(await send(method === "WATCH" ? "GET" : method, url + path, object, given, ca, method === "WATCH"));
  }
  return ids;
}

function send(method, url, object, headers, ca, isWatch) {
  const body = object === undefined ? "" : JSON.stringify(object);
  return new Promise((resolve, reject) => {
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
    // Node frames no body of a DELETE by itself.
    const framed = body === "" ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) };
    const asked = request(url, { method, headers: framed, agent: false, ...trust }, (answer) => {
      const id = answer.headers["audit-id"] ?? "";
      answer.on("data", () => (isWatch ? asked.destroy() : undefined));
      answer.on("close", () => resolve(id));
      answer.on("error", () => resolve(id));
    });
    asked.on("error", (error) => (isWatch ? undefined : reject(error)));
    asked.end(body);
  });
}

const RUN = new Set([
  "auditID",
  "requestReceivedTimestamp",
  "stageTimestamp",
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "time",
]);

/** The events of these requests by request and stage, without what differs from run to run. */
export function comparable(lines, ids) {
  const events = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  return ids.map((id, at) => {
    const asked = REQUESTS[at].slice(0, 2).map(String).join(" ");
    const own = events.filter(({ auditID }) => id !== "" && auditID === id);
    return { request: asked, events: own.map((event) => stable(event)) };
  });
}

function stable(value, key = "") {
  if (Array.isArray(value)) return value.map((item) => stable(item));
  if (typeof value !== "object" || value === null)
    return typeof value === "string" ? value.replace(/made-\w{5}/, "made-xxxxx") : value;
  const entries = Object.entries(value).map(([name, item]) => {
    const isOfRun = RUN.has(name) && key !== "user" && key !== "data";
    return [name, isOfRun && item !== null ? "…" : stable(item, name)];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
