/** What an API server passes on to pods, services and nodes; with real sockets, in front of the fake etcd. */
import type { IncomingMessage } from "node:http";
import { createServer as createPlain } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { kubeletToken } from "../../../../../actors/api-server/io/kubelet-token.ts";
import type { Api, Got, Handler } from "../harness/passing.ts";
import { passingOfTests, SERVICES, slice, SLICES } from "../harness/passing.ts";

const { api, listening } = passingOfTests();

const PODS = "/api/v1/namespaces/default/pods";
const status = (of: Api, path: string, body: object): Promise<Got> =>
  of.call("PATCH", `${path}/status`, { body: JSON.stringify({ status: body }), type: "application/merge-patch+json" });

/** The pod that the slice is about: clients are led to pods alone. */
async function podAt127(of: Api): Promise<void> {
  await of.object(PODS, { metadata: { name: "ext" }, spec: { containers: [{ name: "c", image: "x" }] } });
  const at = { podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }] };
  expect((await status(of, `${PODS}/ext`, at)).status).toBe(200);
}

describe("the proxy of pods and nodes", () => {
  const seen: Handler = (request, response) =>
    void response.writeHead(200, { "x-port": String(request.socket.localPort) }).end(request.headers.authorization);

  it("finds a pod's port where the machine has moved it to", async () => {
    const of = await api();
    const [own, moved] = [await listening(createPlain(seen)), await listening(createPlain(seen))];
    const annotations = { "inkube.dev/ports": JSON.stringify({ 80: moved }) };
    const spec = { containers: [{ name: "main", image: "pause", ports: [{ containerPort: 80 }] }] };
    await of.object(PODS, { metadata: { name: "web", annotations }, spec });
    await status(of, `${PODS}/web`, { podIP: "127.0.0.1" });
    const portOf = async (name: string): Promise<number> =>
      Number((await of.call("GET", `${PODS}/${name}/proxy/x`)).headers["x-port"]);
    expect([await portOf("web"), await portOf("web:80"), await portOf(`web:${own}`)]).toEqual([moved, moved, own]);
  });

  it("reaches no address that is none of a pod or a node, in kube-apiserver's words", async () => {
    const of = await api();
    await of.object("/api/v1/nodes", { metadata: { name: "n" } });
    for (const address of ["169.254.169.254", "0.0.0.0", "localhost", "224.0.0.1", "::ffff:169.254.169.254"]) {
      const addresses = [{ type: "InternalIP", address }];
      await status(of, "/api/v1/nodes/n", { addresses, daemonEndpoints: { kubeletEndpoint: { Port: 9 } } });
      for (const path of ["n/proxy/x", "n:80/proxy/x", "https:n:443/proxy/..%2f"]) {
        const { text } = await of.call("GET", `/api/v1/nodes/${path}`);
        expect(JSON.parse(text)).toMatchObject({ code: 400, message: "address not allowed" });
      }
    }
  });

  it("shows the token for kubelets to the kubelet alone", async () => {
    const of = await api();
    const [kubelet, other] = [await listening(createPlain(seen)), await listening(createPlain(seen))];
    await of.object("/api/v1/nodes", { metadata: { name: "worker-0" }, spec: { providerID: "inkube://worker-0" } });
    const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
    await status(of, "/api/v1/nodes/worker-0", { addresses, daemonEndpoints: { kubeletEndpoint: { Port: kubelet } } });
    const shown = async (name: string): Promise<string> => (await of.call("GET", `/api/v1/nodes/${name}/proxy/x`)).text;
    const token = kubeletToken("kubelet-secret", { host: "127.0.0.1", port: kubelet });
    expect(await shown("worker-0")).toBe(`Bearer ${token}`);
    expect(await shown(`worker-0:${kubelet}`)).toBe(`Bearer ${token}`);
    expect(await shown(`worker-0:${other}`)).toBe("");
  });
});

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

  it("passes on what a client sends along with its wish for another protocol", async () => {
    const server = createPlain();
    server.on("upgrade", (_request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n");
      socket.write(head);
      socket.pipe(socket);
    });
    const of = await proxied(server);
    const socket = connectTls({ host: "127.0.0.1", port: of.port, rejectUnauthorized: false });
    const said = new Promise<string>((resolve, reject) => {
      let text = "";
      socket.on("error", reject).on("data", (piece: Buffer) => {
        text += piece.toString();
        const [, echoed = ""] = text.split("\r\n\r\n");
        if (echoed.endsWith("!")) resolve(echoed);
      });
    });
    const head = `GET ${SERVICES}/ext:https/proxy/chat HTTP/1.1\r\nhost: a\r\nauthorization: Bearer secret`;
    socket.write(`${head}\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\nearly `);
    socket.write("late!");
    expect(await said).toBe("early late!");
    socket.destroy();
  });

  it.each([
    ["HTTP/1.1 042 Odd\r\ncontent-length: 0\r\n\r\n", "Invalid status code: 42"],
    [
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
      'backend tried to switch protocol "x" when "" was requested',
    ],
    ["GARBAGE\r\n\r\n", `net/http: HTTP/1.x transport connection broken: malformed HTTP response "GARBAGE"`],
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
