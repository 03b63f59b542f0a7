/** What an API server passes on: to a server behind an APIService, and to pods, services and nodes; with real sockets, in front of the fake etcd. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createPlain } from "node:http";
import type { Server } from "node:https";
import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import { reachPeer } from "../../../../../actors/api-server/io/https-peer.ts";
import { plainTokenKeys } from "../../../../../actors/api-server/plain-token-keys.ts";
import { UnderWay } from "../../../../../actors/api-server/core/rest/under-way.ts";
import type { ApiServerOptions } from "../../../../../actors/api-server/spec.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
const authority = makeAuthority("test-ca", Date.now());
const certificate = makeCertificate(authority, { commonName: "x" }, ["127.0.0.1", "ext.default.svc"], Date.now());
const tls = { ca: authority.certificate, cert: certificate.certificate, key: certificate.key };
const client = makeCertificate(authority, { commonName: "front-proxy-client" }, [], Date.now());

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of closing.splice(0)) await end();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Listens on 127.0.0.1 until the test ends. */
async function listening(server: Server | ReturnType<typeof createPlain>, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  closing.push(() => close(server));
  return (server.address() as AddressInfo).port;
}

function close(server: Server | ReturnType<typeof createPlain>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface Api {
  readonly port: number;
  call(this: void, method: string, path: string, more?: More): Promise<Got>;
  object(this: void, path: string, object?: object): Promise<void>;
  availability(this: void): Promise<string>;
}
interface More {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
}
interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

const SERVICE = "v1.ext.example.com";

async function api(options: Partial<ApiServerOptions> = {}): Promise<Api> {
  const serving = { tls, proxyClient: { cert: client.certificate, key: client.key }, ...options };
  const outward = { reach: reachPeer };
  const server = await start(serving, httpsDoor(), new FakeEtcd(), plainTokenKeys, outward);
  const { port } = await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never);
  const call: Api["call"] = (method, path, { body, headers, type = "application/json" } = {}) =>
    new Promise((resolve, reject) => {
      const sent = {
        authorization: "Bearer secret",
        ...(body === undefined ? {} : { "content-type": type, "content-length": String(body.length) }),
        ...headers,
      };
      const request = {
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: sent,
        rejectUnauthorized: false,
        agent: false as const,
      };
      const outgoing = httpsRequest(request, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  return {
    port,
    call,
    object: async (path, object) => {
      const got = await call(object === undefined ? "DELETE" : "POST", path, { body: JSON.stringify(object ?? {}) });
      if (got.status >= 300) throw new Error(got.text);
    },
    availability: async () => {
      const { text } = await call("GET", `/apis/apiregistration.k8s.io/v1/apiservices/${SERVICE}`);
      const { status } = JSON.parse(text) as { status: { conditions?: { reason: string; message: string }[] } };
      const [condition] = status.conditions ?? [];
      return condition === undefined ? "" : `${condition.reason}: ${condition.message}`;
    },
  };
}

async function becomes(of: Api, wanted: RegExp): Promise<void> {
  await expect.poll(of.availability, { timeout: 10_000, interval: 20 }).toMatch(wanted);
}

const apiService = (more: object = {}): object => ({
  metadata: { name: SERVICE },
  spec: {
    group: "ext.example.com",
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 10,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    service: { namespace: "default", name: "ext" },
    ...more,
  },
});
const service = { metadata: { name: "ext" }, spec: { ports: [{ name: "https", port: 443 }] } };
const slice = (port: number, name = "ext-1"): object => ({
  metadata: { name, labels: { "kubernetes.io/service-name": "ext" } },
  addressType: "IPv4",
  endpoints: [{ addresses: ["127.0.0.1"], targetRef: { kind: "Pod", namespace: "default", name: "ext" } }],
  ports: [{ name: "https", port }],
});
const PODS = "/api/v1/namespaces/default/pods";
const SERVICES = "/api/v1/namespaces/default/services";
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

const resources = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: "ext.example.com/v1",
  resources: [{ name: "things", singularName: "thing", namespaced: false, kind: "Thing", verbs: ["get", "list"] }],
};

function extension(asked: IncomingMessage[] = []): Server {
  const handle: Handler = (request, response) => {
    asked.push(request);
    const path = (request.url ?? "").split("?")[0];
    const json = (value: object): void =>
      void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/apis/ext.example.com/v1") return json(resources);
    if (path === "/openapi/v3") {
      return json({
        paths: { "apis/ext.example.com/v1": { serverRelativeURL: "/openapi/v3/apis/ext.example.com/v1?hash=1" } },
      });
    }
    if (path === "/openapi/v3/apis/ext.example.com/v1") return json({ openapi: "3.0.0" });
    if (request.url?.includes("watch=true") === true) {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"type":"ADDED","object":{}}\n');
      return;
    }
    if (path === "/apis/ext.example.com/v1/things") {
      return void request.pipe(response.writeHead(200, { "x-seen": String(request.headers["x-remote-user"]) }));
    }
    response.writeHead(404).end();
  };
  return createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, handle);
}

describe("an APIService with a Service behind it", () => {
  it("says why it can't be reached, step by step, and answers 503 meanwhile", async () => {
    const of = await api();
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^ServiceNotFound: service\/ext in "default" is not present$/);
    const away = await of.call("GET", "/apis/ext.example.com/v1/things");
    expect([away.status, away.text]).toEqual([503, "service unavailable\n"]);
    await of.object(SERVICES, service);
    await becomes(of, /^EndpointsNotFound: cannot find endpointslices for service\/ext in "default"$/);
    await of.object(SLICES, { ...slice(1), endpoints: [] });
    await becomes(
      of,
      /^MissingEndpoints: endpointslices for service\/ext in "default" have no addresses with port name "https"$/,
    );
    const body = JSON.stringify({ endpoints: [{ addresses: ["127.0.0.1"] }] });
    await of.call("PATCH", `${SLICES}/ext-1`, { body, type: "application/merge-patch+json" });
    await becomes(
      of,
      /^FailedDiscoveryCheck: failing or missing response from https:\/\/127\.0\.0\.1:1\/apis\/ext\.example\.com\/v1: /,
    );
  });

  it("is told of as stale until it has told what it serves, then whole", async () => {
    const of = await api();
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const found = async (): Promise<unknown> => {
      const { text } = await of.call("GET", "/apis", { headers: { accept } });
      const { items } = JSON.parse(text) as { items: { metadata: { name: string }; versions: unknown }[] };
      return items.at(-1)?.metadata.name === "ext.example.com" ? items.at(-1)?.versions : undefined;
    };
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^ServiceNotFound/);
    expect(await found()).toEqual([{ version: "v1", freshness: "Stale" }]);
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension())));
    await becomes(of, /^Passed: all checks passed$/);
    const thing = {
      resource: "things",
      responseKind: { group: "ext.example.com", version: "v1", kind: "Thing" },
      scope: "Cluster",
      singularResource: "thing",
      verbs: ["get", "list"],
    };
    expect(await found()).toEqual([{ version: "v1", resources: [thing], freshness: "Current" }]);
    const group = await of.call("GET", "/apis/ext.example.com");
    expect(JSON.parse(group.text)).toMatchObject({ name: "ext.example.com", preferredVersion: { version: "v1" } });
    const index = JSON.parse((await of.call("GET", "/openapi/v3")).text) as { paths: Record<string, unknown> };
    expect(index.paths["apis/ext.example.com/v1"]).toEqual({
      serverRelativeURL: "/openapi/v3/apis/ext.example.com/v1?hash=1",
    });
    expect((await of.call("GET", "/openapi/v3/apis/ext.example.com/v1?hash=1")).text).toBe('{"openapi":"3.0.0"}');
  });

  it("hears who asks and that it is us, and gets bodies as they are", async () => {
    const of = await api();
    const asked: IncomingMessage[] = [];
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension(asked))));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const body = Buffer.alloc(5_000_000, "x");
    const got = await of.call("POST", "/apis/ext.example.com/v1/things?a=b", {
      body,
      headers: { "X-Remote-User": "liar" },
    });
    expect([got.status, got.headers["x-seen"], got.text.length]).toEqual([200, "admin", 5_000_000]);
    const last = asked.at(-1);
    expect(last?.url).toBe("/apis/ext.example.com/v1/things?a=b");
    expect(last?.headers.authorization).toBeUndefined();
    expect(last?.headers["x-remote-group"]).toContain("system:masters");
  });

  it("passes watches on as they come, and what is away afterwards is noticed by who asks", async () => {
    const of = await api();
    const server = extension();
    const port = await listening(server);
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(port));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const watch = await new Promise<{ readonly line: string; readonly ended: Promise<void> }>((resolve, reject) => {
      const headers = { authorization: "Bearer secret" };
      const path = "/apis/ext.example.com/v1/things?watch=true";
      const options = {
        host: "127.0.0.1",
        port: of.port,
        path,
        headers,
        rejectUnauthorized: false,
        agent: false as const,
      };
      httpsRequest(options, (incoming) => {
        incoming.on("error", () => undefined);
        const ended = new Promise<void>((over) => incoming.once("close", over));
        incoming.once("data", (line: Buffer) => resolve({ line: line.toString(), ended }));
      })
        .on("error", reject)
        .end();
    });
    expect(watch.line).toBe('{"type":"ADDED","object":{}}\n');
    await close(server);
    await watch.ended;
    const away = await of.call("GET", "/apis/ext.example.com/v1/things");
    expect([away.status, away.text]).toEqual([503, `dial tcp 127.0.0.1:${port}: connect: connection refused\n`]);
    await becomes(of, /^FailedDiscoveryCheck/);
    expect((await of.call("GET", "/apis/ext.example.com/v1/things")).text).toBe("service unavailable\n");
    await listening(extension(), port);
    await becomes(of, /^Passed/);
  });

  it("hears of any name in UTF-8; who has one that no header can hold is told so, and nothing stays under way", async () => {
    const admins = ["system:masters"];
    const tokens = [
      { token: "secret", user: "Jürgen 円", groups: admins },
      { token: "broken", user: "two\nlines", groups: admins },
    ];
    const begun = vi.spyOn(UnderWay.prototype, "begin");
    closing.push(() => Promise.resolve(begun.mockRestore()));
    const of = await api({ tokens });
    const asked: IncomingMessage[] = [];
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension(asked))));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const path = "/apis/ext.example.com/v1/things";
    await of.call("POST", path, { body: "x" });
    const [user] = asked.flatMap(({ url, headers }) => (url === path ? [headers["x-remote-user"]] : []));
    expect(Buffer.from(String(user), "latin1").toString("utf8")).toBe("Jürgen 円");
    const broken = await of.call("POST", path, { body: "x", headers: { authorization: "Bearer broken" } });
    expect([broken.status, broken.text]).toEqual([503, 'Invalid character in header content ["x-remote-user"]\n']);
    expect(begun.mock.calls).toEqual([[SERVICE], [SERVICE]]);
    const [underWay] = begun.mock.contexts as readonly UnderWay[];
    await expect.poll(() => underWay?.servers).toBe(0);
  });

  it("is not believed with the certificate of another authority", async () => {
    const of = await api();
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension())));
    const other = Buffer.from(makeAuthority("other", Date.now()).certificate).toString("base64");
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService({ caBundle: other }));
    await becomes(of, /^FailedDiscoveryCheck: .*(certificate|signature)/);
  });

  it("is local again, and available, without its Service", async () => {
    const of = await api();
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^ServiceNotFound/);
    const body = JSON.stringify({ spec: { service: null, caBundle: null } });
    const path = `/apis/apiregistration.k8s.io/v1/apiservices/${SERVICE}`;
    await of.call("PATCH", path, { body, type: "application/merge-patch+json" });
    await becomes(of, /^Local: Local APIServices are always available$/);
    expect((await of.call("GET", "/apis/ext.example.com/v1/things")).status).toBe(404);
  });
});

describe("the proxy of pods and nodes", () => {
  const seen: Handler = (request, response) =>
    void response.writeHead(200, { "x-port": String(request.socket.localPort) }).end(request.headers.authorization);
  const status = (of: Api, path: string, body: object): Promise<Got> =>
    of.call("PATCH", `${path}/status`, {
      body: JSON.stringify({ status: body }),
      type: "application/merge-patch+json",
    });

  it("finds a pod's port where the machine has moved it to", async () => {
    const of = await api();
    const [own, moved] = [await listening(createPlain(seen)), await listening(createPlain(seen))];
    const pods = "/api/v1/namespaces/default/pods";
    const annotations = { "inkube.dev/ports": JSON.stringify({ 80: moved }) };
    const spec = { containers: [{ name: "main", image: "pause", ports: [{ containerPort: 80 }] }] };
    await of.object(pods, { metadata: { name: "web", annotations }, spec });
    await status(of, `${pods}/web`, { podIP: "127.0.0.1" });
    const portOf = async (name: string): Promise<number> =>
      Number((await of.call("GET", `${pods}/${name}/proxy/x`)).headers["x-port"]);
    expect([await portOf("web"), await portOf("web:80"), await portOf(`web:${own}`)]).toEqual([moved, moved, own]);
  });

  it("shows the token for kubelets to the kubelet alone", async () => {
    const of = await api();
    const [kubelet, other] = [await listening(createPlain(seen)), await listening(createPlain(seen))];
    await of.object("/api/v1/nodes", { metadata: { name: "worker-0" } });
    const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
    await status(of, "/api/v1/nodes/worker-0", { addresses, daemonEndpoints: { kubeletEndpoint: { Port: kubelet } } });
    const shown = async (name: string): Promise<string> => (await of.call("GET", `/api/v1/nodes/${name}/proxy/x`)).text;
    expect(await shown("worker-0")).toBe("Bearer kubelet-secret");
    expect(await shown(`worker-0:${kubelet}`)).toBe("Bearer kubelet-secret");
    expect(await shown(`worker-0:${other}`)).toBe("");
  });
});

/** Clients are led to pods alone. */
async function podAt127(of: Api): Promise<void> {
  await of.object(PODS, { metadata: { name: "ext" }, spec: { containers: [{ name: "c", image: "x" }] } });
  const status = JSON.stringify({ status: { podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }] } });
  const type = "application/merge-patch+json";
  expect((await of.call("PATCH", `${PODS}/ext/status`, { body: status, type })).status).toBe(200);
}

describe("the proxy of a service", () => {
  const plain = { metadata: { name: "ext" }, spec: { ports: [{ name: "https", port: 443 }] } };
  const echo: Handler = (request, response) => {
    if (request.url === "/away") return void response.writeHead(302, { location: "/elsewhere?x=1" }).end();
    response.writeHead(200, {
      "set-cookie": ["a=1", "b=2"],
      "x-path": request.url ?? "",
      "x-method": request.method ?? "",
      "x-name": "gr\u00fcn",
    });
    request.pipe(response);
  };

  async function proxied(server = createPlain(echo)): Promise<Api> {
    const of = await api();
    await of.object(SERVICES, plain);
    await podAt127(of);
    await of.object(SLICES, slice(await listening(server)));
    return of;
  }

  it.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "passes on %s with path, query and body",
    async (method) => {
      const of = await proxied();
      const body = method === "GET" ? {} : { body: "text", type: "text/plain" };
      const got = await of.call(method, `${SERVICES}/ext:https/proxy/a%2Fb/?q=1`, body);
      expect(got.status).toBe(200);
      expect(got.headers).toMatchObject({ "x-path": "/a%2Fb/?q=1", "x-method": method, "set-cookie": ["a=1", "b=2"] });
      expect(got.headers["x-name"]).toBe("gr\u00fcn");
      expect(got.text).toBe(body.body ?? "");
    },
  );

  it("leads to the endpoints that are ready in turn", async () => {
    const [of, ports] = [await api(), [0, 0]];
    const server = (at: number): ReturnType<typeof createPlain> =>
      createPlain((_request, response) => void response.end(String(at)));
    for (const at of ports.keys()) ports[at] = await listening(server(at));
    await of.object(SERVICES, plain);
    await podAt127(of);
    for (const [at, port] of ports.entries()) await of.object(SLICES, slice(port, `ext-${at}`));
    const answers: string[] = [];
    for (let i = 0; i < 4; i++) answers.push((await of.call("GET", `${SERVICES}/ext:https/proxy/`)).text);
    expect(answers.join("")).toMatch(/^(01){2}$|^(10){2}$/);
  });

  it("ends what it has asked for when its client goes", async () => {
    let gone: () => void = () => {};
    const ended = new Promise<void>((resolve) => (gone = resolve));
    const of = await proxied(
      createPlain((_request, response) => {
        response.once("close", gone);
        response.write("first");
      }),
    );
    const headers = { authorization: "Bearer secret" };
    const path = `${SERVICES}/ext:https/proxy/`;
    const where = { host: "127.0.0.1", port: of.port, path, headers, rejectUnauthorized: false, agent: false as const };
    const outgoing = httpsRequest(where, (incoming) => incoming.once("data", () => outgoing.destroy()));
    outgoing.on("error", () => undefined).end();
    await ended;
  });

  it("takes a port's number as well", async () => {
    const of = await proxied();
    expect((await of.call("GET", `${SERVICES}/ext:443/proxy/x`)).headers["x-path"]).toBe("/x");
    const other = await of.call("GET", `${SERVICES}/ext:444/proxy/x`);
    expect(JSON.parse(other.text)).toMatchObject({ code: 503, message: 'no service port 444 found for service "ext"' });
  });

  it("sends who names no path to the one with a slash, and leads redirects through itself", async () => {
    const of = await proxied();
    const bare = await of.call("GET", `${SERVICES}/ext:https/proxy?a=b`);
    expect([bare.status, bare.headers.location]).toEqual([301, `${SERVICES}/ext:https/proxy/?a=b`]);
    const away = await of.call("GET", `${SERVICES}/ext:https/proxy/away`);
    expect([away.status, away.headers.location]).toEqual([302, `${SERVICES}/ext:https/proxy/elsewhere?x=1`]);
  });

  it("lets a connection change its protocol", async () => {
    const server = createPlain();
    server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\nhello `,
      );
      socket.pipe(socket);
    });
    const of = await proxied(server);
    const said = await new Promise<string>((resolve, reject) => {
      const headers = { authorization: "Bearer secret", connection: "Upgrade", upgrade: "echo" };
      const path = `${SERVICES}/ext:https/proxy/chat`;
      const options = {
        host: "127.0.0.1",
        port: of.port,
        path,
        headers,
        rejectUnauthorized: false,
        agent: false as const,
      };
      const outgoing = httpsRequest(options);
      outgoing.on("error", reject);
      outgoing.on("response", (got) => reject(new Error(`answered ${got.statusCode}`)));
      outgoing.on("upgrade", (_got, socket, head) => {
        let text = head.toString();
        socket.on("data", (piece: Buffer) => {
          text += piece.toString();
          if (text === "hello you") {
            socket.destroy();
            resolve(text);
          }
        });
        socket.write("you");
      });
      outgoing.end();
    });
    expect(said).toBe("hello you");
  });

  it.each([
    ["HTTP/1.1 042 Odd\r\ncontent-length: 0\r\n\r\n", "Invalid status code: 42"],
    [
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
      'backend tried to switch protocol "x" when "" was requested',
    ],
    ["GARBAGE\r\n\r\n", "Parse Error: Expected HTTP/, RTSP/ or ICE/"],
  ])("survives a server that answers %j", async (answered, why) => {
    const of = await proxied(createPlain(({ socket }) => socket.on("error", () => undefined).end(answered)));
    const got = await of.call("GET", `${SERVICES}/ext:https/proxy/x`);
    const message = `error trying to reach service: ${why}`;
    expect(JSON.parse(got.text)).toMatchObject({ code: 503, message });
    expect((await of.call("GET", "/version")).status).toBe(200);
  });

  it("answers as ever who asks for another protocol elsewhere", async () => {
    const of = await api();
    const got = await of.call("GET", "/version", { headers: { connection: "Upgrade", upgrade: "h2c" } });
    expect([got.status, JSON.parse(got.text)]).toEqual([200, expect.objectContaining({ major: "1" })]);
  });

  // As recorded from kube-apiserver 1.37.1.
  it.each([
    [`${SERVICES}/none/proxy/`, 503, 'no endpoints available for service "none"'],
    [`${SERVICES}/ext/proxy/`, 503, 'no endpoints available for service "ext"'],
    [`${SERVICES}/ext:a:b:c/proxy/`, 400, 'invalid service request "ext:a:b:c"'],
    ["/api/v1/namespaces/default/pods/none/proxy/", 404, 'pods "none" not found'],
    ["/api/v1/nodes/none/proxy/", 404, 'nodes "none" not found'],
  ])("refuses %s with %d", async (path, code, message) => {
    const of = await proxied();
    expect(JSON.parse((await of.call("GET", path)).text)).toMatchObject({ kind: "Status", code, message });
  });

  it("is for nobody who is not known", async () => {
    const of = await proxied();
    const got = await of.call("POST", `${SERVICES}/ext:https/proxy/x`, {
      body: "x",
      headers: { authorization: "Bearer no" },
    });
    expect(got.status).toBe(401);
  });
});
