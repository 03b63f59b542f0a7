import { connect } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import { once } from "node:events";
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { podRules } from "../../../../../actors/api-server/core/kinds/core/pod.ts";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

const authority = makeAuthority("test-ca", Date.now());
const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
const client = makeCertificate(authority, { commonName: "bob", organizations: ["devs"] }, [], Date.now());

let server: TestServer;
let port: number;
let session: ClientHttp2Session;

beforeAll(async () => {
  const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
  server = await startServer({ tls, gzipBytes: 4_096, bodyBytesMax: 100_000 }, httpsDoor());
  port = (await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never)).port;
  session = connect(`https://127.0.0.1:${port}`, { ca: authority.certificate, checkServerIdentity: () => undefined });
});
afterAll(async () => {
  session.destroy();
  await server.stop();
  expect(server.crashes).toEqual([]);
});

interface Answer {
  readonly status: number;
  readonly headers: { readonly [name: string]: unknown };
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
  readonly json: any;
}

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const authorization = { authorization: "Bearer secret" };
    const stream = session.request({ ":method": method, ":path": path, ...authorization, ...headers });
    const chunks: Buffer[] = [];
    let head: Record<string, unknown> = {};
    stream.on("response", (received) => (head = received));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      const raw = Buffer.concat(chunks);
      const text = (head["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString();
      const json = String(head["content-type"]).includes("json") ? (JSON.parse(text || "null") as unknown) : undefined;
      resolve({ status: Number(head[":status"]), headers: head, text, json });
    });
    if (body === undefined) stream.end();
    else stream.end(typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body));
  });
}

const maps = "/api/v1/namespaces/default/configmaps";
const merge = { "content-type": "application/merge-patch+json" };

describe("the HTTPS door", () => {
  it("serves create, get, update, patch and delete", async () => {
    const made = await send("POST", maps, { metadata: { name: "crud" }, data: { a: "1" } });
    expect([made.status, made.json.kind, made.json.data]).toEqual([201, "ConfigMap", { a: "1" }]);
    const read = await send("GET", `${maps}/crud`);
    expect([read.status, read.json]).toEqual([200, made.json]);
    const put = await send("PUT", `${maps}/crud`, { ...made.json, data: { a: "2" } });
    expect([put.status, put.json.data]).toEqual([200, { a: "2" }]);
    expect((await send("PUT", `${maps}/crud`, made.json)).json).toMatchObject({ code: 409, reason: "Conflict" });
    expect((await send("PATCH", `${maps}/crud`, { data: { b: "3" } }, merge)).json.data).toEqual({ a: "2", b: "3" });
    const gone = await send("DELETE", `${maps}/crud`);
    expect([gone.status, gone.json.status]).toEqual([200, "Success"]);
    expect((await send("GET", `${maps}/crud`)).json).toMatchObject({
      kind: "Status",
      code: 404,
      message: 'configmaps "crud" not found',
    });
  });

  it("lets in those with a token or a certificate of the cluster's authority, and nobody else", async () => {
    expect((await send("GET", maps, undefined, { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await send("GET", maps, undefined, { authorization: "" })).json).toMatchObject({ reason: "Unauthorized" });
    expect((await send("GET", "/livez", undefined, { authorization: "Bearer wrong" })).text).toBe("ok");
    const status = (credential?: { certificate: string; key: string }): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpsRequest({
          host: "127.0.0.1",
          port,
          path: maps,
          ca: authority.certificate,
          checkServerIdentity: () => undefined,
          ...(credential && { cert: credential.certificate, key: credential.key }),
        });
        request.on("response", (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode));
        });
        request.on("error", reject);
        request.end();
      });
    expect(await status(client)).toBe(200);
    expect(await status()).toBe(401);
    const stranger = makeAuthority("other", Date.now());
    const forged = makeCertificate(stranger, { commonName: "bob", organizations: ["system:masters"] }, [], Date.now());
    expect(await status(forged)).toBe(401);
  });

  it("pages a list, and all pages are of one revision", async () => {
    const secrets = "/api/v1/namespaces/default/secrets";
    for (const name of ["a", "b", "c", "d", "e"]) await send("POST", secrets, { metadata: { name } });
    const first = (await send("GET", `${secrets}?limit=2`)).json;
    expect(first.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(["a", "b"]);
    expect(first.metadata.remainingItemCount).toBe(3);
    expect(first.items[0].kind).toBeUndefined();
    await send("DELETE", `${secrets}/c`);
    await send("POST", secrets, { metadata: { name: "cc" } });
    const token = encodeURIComponent(first.metadata.continue as string);
    const second = (await send("GET", `${secrets}?limit=2&continue=${token}`)).json;
    expect(second.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(["c", "d"]);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    server.etcd.compact();
    const lost = (await send("GET", `${secrets}?limit=2&continue=${token}`)).json;
    expect([lost.code, lost.reason]).toEqual([410, "Expired"]);
    const rest = (await send("GET", `${secrets}?continue=${encodeURIComponent(lost.metadata.continue as string)}`))
      .json;
    expect(rest.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(["cc", "d", "e"]);
  });

  it("answers bad lists as Kubernetes does", async () => {
    expect((await send("GET", `${maps}?resourceVersion=abc`)).json).toMatchObject({
      code: 400,
      message:
        'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    });
    expect((await send("GET", `${maps}?resourceVersionMatch=Exact`)).json).toMatchObject({ code: 422 });
    expect((await send("GET", `${maps}?continue=abc`)).json).toMatchObject({ code: 400 });
    expect((await send("GET", `${maps}?watch=1&sendInitialEvents=true`)).json).toMatchObject({
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    });
  });

  it("survives a fault over a request's data, and says so", async () => {
    const strategy = podRules as { prepareCreate: () => unknown };
    vi.spyOn(strategy, "prepareCreate").mockImplementationOnce(() => {
      throw new TypeError("a hole");
    });
    const pod = { metadata: { name: "faulty" }, spec: { containers: [{ name: "a", image: "i" }] } };
    const pods = "/api/v1/namespaces/default/pods";
    expect((await send("POST", pods, pod)).json).toMatchObject({ code: 500, reason: "InternalError" });
    expect((await send("POST", `${pods}?dryRun=All`, pod)).status).toBe(201);
  });

  it("tells unknown paths, resources and methods apart", async () => {
    expect((await send("GET", "/foo")).text).toBe("404 page not found\n");
    expect((await send("GET", "/api/v1/namespaces/default/foos")).json).toMatchObject({
      message: "the server could not find the requested resource",
    });
    expect((await send("POST", `${maps}/x`, {})).json).toMatchObject({ code: 405 });
    expect((await send("PUT", maps, {})).json).toMatchObject({ code: 405 });
    expect((await send("HEAD", `${maps}/x`)).status).toBe(405);
    expect((await send("PATCH", `${maps}/x`, {})).json).toMatchObject({ code: 415 });
  });

  it("refuses bodies that are too large, malformed or of another kind", async () => {
    const large = { metadata: { name: "l" }, data: { a: "x".repeat(200_000) } };
    expect((await send("POST", maps, large)).json).toMatchObject({ code: 413, reason: "RequestEntityTooLarge" });
    expect((await send("POST", maps, "{")).json).toMatchObject({ code: 400 });
    expect((await send("POST", maps, { kind: "Secret", apiVersion: "v1" })).json).toMatchObject({ code: 400 });
    const yaml = { "content-type": "application/yaml" };
    expect((await send("POST", maps, "a: [", yaml)).json).toMatchObject({ code: 400 });
    for (const deep of ["[", "- ", '{"a":', "? "]) {
      expect((await send("POST", maps, deep.repeat(5_000), yaml)).json).toMatchObject({ code: 400 });
      expect((await send("POST", maps, `{"data":${deep.repeat(5_000)}`)).json).toMatchObject({ code: 400 });
    }
    // Forty levels, each twice the one before.
    const levels = Array.from(
      { length: 40 },
      (_each, index) => `b${index + 1}: &b${index + 1} [*b${index}, *b${index}]`,
    );
    const bomb = `b0: &b0 [x, x]\n${levels.join("\n")}`;
    expect((await send("POST", maps, bomb, yaml)).json).toMatchObject({ code: 400 });
    expect((await send("POST", maps, "x", { "content-type": "text/plain" })).json).toMatchObject({ code: 415 });
  });

  it("takes YAML, and gives it", async () => {
    const headers = { "content-type": "application/yaml", accept: "application/yaml" };
    const made = await send("POST", maps, "metadata: {name: yml}\ndata:\n  a: b\n", headers);
    expect([made.status, made.text.includes("data:\n  a: b\n")]).toEqual([201, true]);
  });

  it("warns of what is deprecated, ignored or not honoured, beside unknown fields", async () => {
    const endpoints = "/api/v1/namespaces/default/endpoints?dryRun=All";
    const deprecated = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
    const warned = await send("POST", endpoints, { metadata: { name: "w" }, dota: {} });
    expect(warned.headers["warning"]).toBe(`299 - "${deprecated}", 299 - "unknown field \\"dota\\""`);
    const spec = { containers: [{ name: "a", image: "i", securityContext: { privileged: true } }] };
    const pod = await send("POST", "/api/v1/namespaces/default/pods?dryRun=All", { metadata: { name: "w" }, spec });
    expect(pod.headers["warning"]).toBe(
      '299 - "spec.containers[0].securityContext.privileged: stored, but not honoured by inkube: containers are not isolated from this process"',
    );
  });

  it("warns of unknown fields, or refuses them, as asked", async () => {
    const object = { metadata: { name: "w" }, dota: {} };
    const warned = await send("POST", `${maps}?dryRun=All`, object);
    expect([warned.status, warned.headers["warning"]]).toEqual([201, '299 - "unknown field \\"dota\\""']);
    expect(warned.json.metadata).not.toHaveProperty("resourceVersion");
    const refused = await send("POST", `${maps}?fieldValidation=Strict`, object);
    expect(refused.json.message).toContain('strict decoding error: unknown field "dota"');
    expect((await send("POST", `${maps}?dryRun=Foo`, object)).json.message).toBe(
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Foo"]: supported values: "All"',
    );
  });

  it("gives tables and metadata to those who ask", async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const table = (await send("GET", "/api/v1/namespaces", undefined, { accept })).json;
    expect(table.kind).toBe("Table");
    expect(table.columnDefinitions[0].name).toBe("Name");
    expect(table.rows[0].cells[0]).toBe("default");
    const partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    const list = (await send("GET", "/api/v1/namespaces", undefined, { accept: partial })).json;
    expect([list.kind, list.items[0].kind, list.items[0].spec]).toEqual([
      "PartialObjectMetadataList",
      "PartialObjectMetadata",
      undefined,
    ]);
    expect((await send("GET", maps, undefined, { accept: "application/foo" })).json).toMatchObject({ code: 406 });
  });

  it("compresses large answers for those who accept it", async () => {
    await send("POST", maps, { metadata: { name: "big" }, data: { a: "x".repeat(8_000) } });
    const answer = await send("GET", `${maps}/big`, undefined, { "accept-encoding": "gzip" });
    expect([answer.headers["content-encoding"], answer.json.data.a.length]).toEqual(["gzip", 8_000]);
    expect((await send("GET", `${maps}/big`)).headers["content-encoding"]).toBeUndefined();
  });

  it("sends a list that is larger than a window whole, over both versions of HTTP", async () => {
    const data = { a: "é".repeat(24_000) };
    const names = ["1", "2", "3", "4", "5"].map((at) => `listed-${at}`);
    for (const name of names) await send("POST", maps, { metadata: { name, labels: { listed: "" } }, data });
    const path = `${maps}?labelSelector=listed`;
    const overHttp1 = textOverHttp1(path);
    const { json } = await send("GET", path);
    // The server writes objects of its own in between, so each list has its own revision.
    const same = { ...json, metadata: { resourceVersion: expect.any(String) as string } };
    expect(JSON.parse(await overHttp1)).toEqual(same);
    expect(json.items).toEqual(
      names.map((name) => expect.objectContaining({ data, metadata: expect.objectContaining({ name }) as object })),
    );
    const pretty = await send("GET", `${path}&pretty=true`);
    expect([pretty.text.slice(0, 4), pretty.json]).toEqual(["{\n  ", same]);
  });

  it("sends one object as it was written, whatever its letters, over both versions of HTTP and in each form", async () => {
    const data = { a: "é円\u{1f600}".repeat(2_000) };
    const made = await send("POST", maps, { metadata: { name: "letters" }, data });
    const path = `${maps}/letters`;
    expect(made.json.data).toEqual(data);
    expect((await send("GET", path)).text).toBe(made.text);
    expect(await textOverHttp1(path)).toBe(made.text);
    for (const how of ["pretty=true", "pretty=false"]) {
      expect((await send("GET", `${path}?${how}`, undefined, { "accept-encoding": "gzip" })).json).toEqual(made.json);
    }
    const { headers, text } = await send("GET", path, undefined, { accept: "application/yaml" });
    expect([headers["content-type"], text.includes(data.a)]).toEqual(["application/yaml", true]);
  });

  it("acts for others on behalf of an administrator, over both versions of HTTP, and of nobody else", async () => {
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const as = { "impersonate-user": "bob", "impersonate-group": ["a, b", "c"] };
    const bob = { username: "bob", groups: ["a, b", "c", "system:authenticated"] };
    const answer = await send("POST", path, {}, as as never);
    expect(answer.json.status.userInfo).toEqual(bob);
    // Of several names the first counts.
    const twice = await send("POST", path, {}, { ...as, "impersonate-user": ["bob", "eve"] } as never);
    expect(twice.json.status.userInfo).toEqual(bob);
    const overHttp1 = (credential: object, headers: OutgoingHttpHeaders): Promise<string> =>
      new Promise((resolve, reject) => {
        const trust = { ca: authority.certificate, checkServerIdentity: () => undefined };
        const asked = httpsRequest({ method: "POST", host: "127.0.0.1", port, path, ...trust, ...credential, headers });
        asked.on("response", (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
          response.on("end", () => resolve(text));
        });
        asked.on("error", reject).end("{}");
      });
    const admin = { authorization: "Bearer secret", "content-type": "application/json", ...as };
    expect(JSON.parse(await overHttp1({}, admin))).toMatchObject({ status: { userInfo: bob } });
    const developer = { cert: client.certificate, key: client.key };
    expect(JSON.parse(await overHttp1(developer, { "impersonate-user": "alice" }))).toMatchObject({
      code: 403,
      message:
        'selfsubjectreviews.authentication.k8s.io is forbidden: User "bob" cannot impersonate-on:user-info:create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
    });
    expect((await send("GET", maps, undefined, { "impersonate-group": "a" })).status).toBe(400);
  });

  it("answers with the ID of the request, as its client has named it or a new one", async () => {
    const large = { metadata: { name: "large" }, data: { a: "x".repeat(4_000_000) } };
    const answers = [
      await send("GET", maps),
      await send("GET", `${maps}/none`),
      await send("GET", "/healthz"),
      await send("GET", "/nothing"),
      await send("GET", maps, undefined, { authorization: "Bearer nobody" }),
      await send("POST", maps, large),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 404, 401, 413]);
    const ids = answers.map(({ headers }) => String(headers["audit-id"]));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await send("GET", maps, undefined, { "audit-id": "mine" })).headers["audit-id"]).toBe("mine");
  });

  it("records a write as part of the trace that its request says it is part of", async () => {
    const outside = `00-${"4".repeat(32)}-${"7".repeat(16)}-01`;
    const causeOf = async (name: string, headers: Record<string, string>): Promise<unknown> => {
      expect((await send("POST", maps, { metadata: { name } }, { "audit-id": name, ...headers })).status).toBe(201);
      return server.events().find(({ kind, detail }) => kind === "request.create" && detail.includes(name))?.cause;
    };
    expect(await causeOf("traced", { traceparent: outside })).toBe(outside);
    expect(await causeOf("untraced", {})).toBe("");
    expect(await causeOf("wrong", { traceparent: "api-server-1#4" })).toBe("");
  });

  it("takes what is posted to where it says it is, and has no POST or DELETE for all namespaces", async () => {
    expect((await send("POST", "/api/v1/configmaps", { metadata: { name: "q" } })).status).toBe(405);
    expect((await send("DELETE", "/api/v1/configmaps")).status).toBe(405);
  });

  it("describes itself", async () => {
    const v2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    expect((await send("GET", "/openapi/v2", undefined, { accept: v2 })).headers["content-type"]).toBe(
      "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    );
    expect((await send("GET", "/version")).json.minor).toBe("37");
    expect((await send("GET", "/api")).json.versions).toEqual(["v1"]);
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const discovery = await send("GET", "/apis", undefined, { accept });
    expect(discovery.headers["content-type"]).toContain("as=APIGroupDiscoveryList");
    expect(discovery.json.kind).toBe("APIGroupDiscoveryList");
    expect((await send("GET", "/api/v1")).json.kind).toBe("APIResourceList");
    expect(await send("GET", "/apis/nope/v1")).toMatchObject({ status: 404, text: "404 page not found\n" });
    expect((await send("GET", "/openapi/v3")).json.paths).toBeDefined();
    expect((await send("GET", "/readyz?verbose")).text).toContain("[+]etcd ok\nreadyz check passed");
  });

  it("streams a watch, and a deletion carries the last state", async () => {
    const watch = openWatch(`${maps}?watch=true&labelSelector=w%3D1`);
    await send("POST", maps, { metadata: { name: "w1", labels: { w: "1" } } });
    await send("POST", maps, { metadata: { name: "w2" } });
    await send("PATCH", `${maps}/w2`, { metadata: { labels: { w: "1" } } }, merge);
    await send("PATCH", `${maps}/w1`, { metadata: { labels: { w: "2" } } }, merge);
    await send("DELETE", `${maps}/w2`);
    const events = await watch.until(4);
    expect(events.map((event) => [event.type, event.object.metadata.name])).toEqual([
      ["ADDED", "w1"],
      ["ADDED", "w2"],
      ["DELETED", "w1"],
      ["DELETED", "w2"],
    ]);
    expect(events[2]?.object.metadata.labels).toEqual({ w: "1" });
    const revisions = events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    watch.close();
  });

  it("sends the present objects first, and says when they end", async () => {
    const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watch = openWatch(`/api/v1/namespaces?${query}`);
    const events = await watch.until(5);
    expect(events.map((event) => event.type)).toEqual(["ADDED", "ADDED", "ADDED", "ADDED", "BOOKMARK"]);
    expect(events[4]?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    watch.close();
  });

  it("ends a watch after timeoutSeconds, and tells of a revision that is gone inside of it", async () => {
    const short = openWatch(`${maps}?watch=1&timeoutSeconds=1&resourceVersion=0`);
    await short.ended;
    server.etcd.breakWatches("ETCD_COMPACTED");
    await send("GET", "/api/v1/namespaces/default");
    const old = openWatch(`${maps}?watch=1&resourceVersion=1`);
    const [event] = await old.until(1);
    await old.ended;
    expect(event).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
  });

  it("refuses a map key that could not be kept as it is", async () => {
    const body = JSON.parse('{"metadata":{"name":"proto"},"data":{"__proto__":"x"}}') as unknown;
    expect((await send("POST", maps, body)).json).toMatchObject({
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: data: Invalid value: "__proto__": inkube can\'t keep a key of this name',
    });
  });

  it("gives the logs that the kubelet of the pod's node gives", async () => {
    const kubelet = createServer((request, response) => {
      const allowed = /^Bearer [0-9a-f]{64}$/.test(request.headers.authorization ?? "");
      response.writeHead(allowed ? 200 : 401).end(`log of ${request.url}`);
    });
    await new Promise<void>((resolve) => kubelet.listen(0, "127.0.0.1", resolve));
    const { port: Port } = kubelet.address() as AddressInfo;
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port } },
    };
    expect(
      (await send("POST", "/api/v1/nodes", { metadata: { name: "n" }, spec: { providerID: "inkube://n" }, status }))
        .status,
    ).toBe(201);
    const pods = "/api/v1/namespaces/default/pods";
    const spec = { nodeName: "n", containers: [{ name: "a", image: "i" }] };
    expect((await send("POST", pods, { metadata: { name: "logged" }, spec })).status).toBe(201);
    const logs = await send("GET", `${pods}/logged/log?tailLines=5&foo=bar`);
    expect([logs.status, logs.text]).toEqual([200, "log of /containerLogs/default/logged/a?tailLines=5"]);
    expect((await send("GET", `${pods}/logged/log?container=zz`)).json.message).toBe(
      "container zz is not valid for pod logged",
    );
    const debug = { ephemeralContainers: [{ name: "dbg", image: "i", securityContext: { privileged: true } }] };
    const strategic = { "content-type": "application/strategic-merge-patch+json" };
    const added = await send("PATCH", `${pods}/logged/ephemeralcontainers`, { spec: debug }, strategic);
    expect([added.status, added.headers["warning"]]).toEqual([
      200,
      '299 - "spec.ephemeralContainers[0].securityContext.privileged: stored, but not honoured by inkube: containers are not isolated from this process"',
    ]);
    expect((await send("GET", `${pods}/logged/log?container=dbg`)).text).toBe(
      "log of /containerLogs/default/logged/dbg?",
    );
    // An ephemeral container is never the default.
    expect((await send("GET", `${pods}/logged/log`)).text).toBe("log of /containerLogs/default/logged/a?");
    const [initContainers, containers] = [["i"], ["a", "b"]].map((names) =>
      names.map((name) => ({ name, image: "i" })),
    );
    const several = { nodeName: "n", initContainers, containers };
    expect((await send("POST", pods, { metadata: { name: "several" }, spec: several })).status).toBe(201);
    await send("PATCH", `${pods}/several/ephemeralcontainers`, { spec: debug }, strategic);
    expect((await send("GET", `${pods}/several/log`)).json).toMatchObject({
      code: 400,
      message: "a container name must be specified for pod several, choose one of: [i a b dbg]",
    });
    kubelet.close();
    expect((await send("GET", `${pods}/none/log`)).json).toMatchObject({ code: 404 });
    const bad = (query: string): Promise<Answer> => send("GET", `${pods}/logged/log?${query}`);
    const range = (field: string, value: number, bound: string): string =>
      `PodLogOptions "logged" is invalid: ${field}: Invalid value: ${value}: must be ${bound}`;
    const layout = '"2006-01-02T15:04:05Z07:00"';
    for (const [query, code, message] of [
      ["tailLines=-1", 422, range("tailLines", -1, "greater than or equal to 0")],
      ["sinceSeconds=0", 422, range("sinceSeconds", 0, "greater than 0")],
      ["limitBytes=0", 422, range("limitBytes", 0, "greater than 0")],
      [
        "sinceSeconds=5&sinceTime=2020-01-01T00:00:00Z",
        422,
        'PodLogOptions "logged" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
      ],
      ["stream=bogus", 422, 'PodLogOptions "logged" is invalid: stream: Forbidden: may not be specified'],
      ["tailLines=abc", 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
      ["tailLines=", 400, 'strconv.ParseInt: parsing "": invalid syntax'],
      ["sinceTime=bogus", 400, `parsing time "bogus" as ${layout}: cannot parse "bogus" as "2006"`],
      ["sinceTime=2020-01-01", 400, `parsing time "2020-01-01" as ${layout}: cannot parse "" as "T"`],
    ] as const) {
      expect([query, (await bad(query)).json]).toMatchObject([query, { code, message }]);
    }
  });

  it("answers what was asked of it over HTTP/1.1 before it withdrew, and closes the connections on which nothing is", async () => {
    const agent = new Agent({ keepAlive: true, ca: authority.certificate, checkServerIdentity: () => undefined });
    const ask = (method: string, path: string, headers: Record<string, string> = {}): ClientRequest =>
      httpsRequest({
        agent,
        method,
        host: "127.0.0.1",
        port,
        path,
        headers: { authorization: "Bearer secret", ...headers },
      });
    const answered = (request: ClientRequest): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => request.once("response", resolve).once("error", reject));
    const writing = ask("POST", maps, { "content-type": "application/json", expect: "100-continue" });
    const written = answered(writing);
    writing.flushHeaders();
    await once(writing, "continue");
    const idle = ask("GET", "/livez");
    const idleClosed = once(idle, "socket").then(([socket]) => once(socket as Socket, "close"));
    const reading = answered(idle);
    idle.end();
    (await reading).resume();
    await server.actor.handlers.withdraw(null, {} as never);
    await idleClosed;
    writing.end(JSON.stringify({ metadata: { name: "late" } }));
    const { statusCode, headers, socket } = (await written).resume();
    expect([statusCode, headers.connection]).toEqual([201, "close"]);
    if (!socket.destroyed) await once(socket, "close");
    port = (await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never)).port;
    session = connect(`https://127.0.0.1:${port}`, { ca: authority.certificate, checkServerIdentity: () => undefined });
    expect((await send("GET", `${maps}/late`)).status).toBe(200);
    agent.destroy();
  });

  it("carries out together what it has read in one turn: one question to a quorum serves all who came", async () => {
    await send("POST", maps, { metadata: { name: "asked" } });
    const asked = (): number => server.etcd.calls.get("readIndex") ?? 0;
    const before = asked();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send("GET", `${maps}/asked`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // One under way, and one for those behind it, for each read of the socket; by themselves they ask twenty times.
    expect(asked() - before).toBeLessThan(10);
  });

  it("can be opened on another port, and closes what came in by the old one", async () => {
    const ended = new Promise((resolve) => session.once("close", resolve));
    const before = port;
    port = (await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never)).port;
    await ended;
    session = connect(`https://127.0.0.1:${port}`, { ca: authority.certificate, checkServerIdentity: () => undefined });
    expect((await send("GET", "/livez")).text).toBe("ok");
    expect(port).not.toBe(before);
  });
});

function textOverHttp1(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const trust = { ca: authority.certificate, checkServerIdentity: () => undefined };
    const headers = { authorization: "Bearer secret" };
    const asked = httpsRequest({ host: "127.0.0.1", port, path, ...trust, headers });
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve(text));
    });
    asked.on("error", reject).end();
  });
}

interface WatchedEvent {
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- objects of every kind
  readonly object: any;
}

function openWatch(path: string): {
  until(count: number): Promise<readonly WatchedEvent[]>;
  readonly ended: Promise<unknown>;
  close(): void;
} {
  const stream = session.request({ ":path": path, authorization: "Bearer secret" });
  const events: WatchedEvent[] = [];
  const waiting: { readonly count: number; readonly resolve: (events: readonly WatchedEvent[]) => void }[] = [];
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) events.push(JSON.parse(line) as WatchedEvent);
    for (const each of waiting) if (events.length >= each.count) each.resolve(events);
  });
  return {
    until: (count) =>
      new Promise((resolve) => (events.length >= count ? resolve(events) : waiting.push({ count, resolve }))),
    ended: new Promise((resolve) => stream.on("end", resolve)),
    close: () => stream.destroy(),
  };
}
