/** Connections on which nothing is asked. The limits are kube-apiserver's; here they are short. */
import type { ClientHttp2Session } from "node:http2";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectPlain } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdleConnections } from "../../../../../actors/api-server/core/rest/idle-connections.ts";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import { API_SERVER_DEFAULTS } from "../../../../../actors/api-server/spec.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

describe("a connection on which nothing is asked", () => {
  function looked(): { readonly idle: IdleConnections<object>; readonly told: string[]; asked: number | undefined } {
    const told: string[] = [];
    const state = { idle: new IdleConnections<object>(API_SERVER_DEFAULTS), told, asked: 0 as number | undefined };
    state.idle.add(
      KEY,
      { asked: () => state.asked, close: () => told.push("close"), destroy: () => told.push("destroy") },
      0,
    );
    return state;
  }
  const KEY = {};

  it("is closed after 90 s, and cut when it is still there at the next look", () => {
    const { idle, told } = looked();
    idle.look(5_000);
    for (const nowMs of [50_000, 94_999]) idle.look(nowMs);
    expect(told).toEqual([]);
    idle.look(95_000);
    expect(told).toEqual(["close"]);
    idle.look(100_000);
    expect(told).toEqual(["close", "destroy"]);
  });

  it("is closed after 10 s if its client has not begun to speak HTTP/2", () => {
    const state = looked();
    state.asked = undefined;
    state.idle.look(9_999);
    expect(state.told).toEqual([]);
    state.idle.look(10_000);
    expect(state.told).toEqual(["close"]);
  });

  it("has its time anew with each request, and while something lasts on it", () => {
    const state = looked();
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 60_000) {
      state.asked = nowMs;
      state.idle.look(nowMs);
    }
    const over = state.idle.begin(KEY);
    for (const nowMs of [700_000, 800_000]) state.idle.look(nowMs);
    over();
    state.idle.look(889_999);
    expect(state.told).toEqual([]);
    state.idle.look(890_000);
    expect(state.told).toEqual(["close"]);
  });

  it("is forgotten when its client closes it", () => {
    const { idle, told } = looked();
    idle.remove(KEY);
    idle.begin(KEY)();
    idle.look(1e9);
    expect([idle.size, told]).toEqual([0, []]);
  });
});

describe("the HTTPS door", () => {
  const authority = makeAuthority("test-ca", Date.now());
  const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
  let server: TestServer;
  let port: number;
  const opened: Duplex[] = [];

  beforeAll(async () => {
    const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
    const limits = { connectionIdleMs: 400, headersTimeoutMs: 1_000, prefaceTimeoutMs: 300 };
    server = await startServer({ tls, ...limits }, httpsDoor());
    port = (await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never)).port;
  });
  afterAll(async () => {
    for (const each of opened) each.destroy();
    await server.stop();
    expect(server.crashes).toEqual([]);
  });

  /** Has agreed on a protocol, and sends what is given. */
  function secured(protocol: "h2" | "http/1.1", text: string): Duplex {
    const options = { host: "127.0.0.1", port, ca: authority.certificate, checkServerIdentity: () => undefined };
    const socket = connectTls({ ...options, ALPNProtocols: [protocol] }, () => void (text && socket.write(text)));
    opened.push(socket);
    return socket;
  }

  function speaking(): ClientHttp2Session {
    const session = connectHttp2(`https://127.0.0.1:${port}`, {
      ca: authority.certificate,
      checkServerIdentity: () => undefined,
    });
    session.on("error", ignore);
    return session;
  }

  /** By the server: nobody else ends anything here. */
  const closed = (connection: NodeJS.EventEmitter): Promise<void> =>
    new Promise((resolve) => {
      connection.on("error", ignore);
      connection.on("close", () => resolve());
      (connection as Partial<Duplex>).resume?.();
    });

  const GET = "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";

  it.each([
    ["agrees on no keys", () => opened[opened.push(connectPlain(port, "127.0.0.1")) - 1] as Duplex],
    ["sends nothing over HTTP/1.1", () => secured("http/1.1", "")],
    ["sends half of a head", () => secured("http/1.1", "GET /livez HTTP/1.1\r\nhos")],
    ["sends half of a second head", () => secured("http/1.1", `${GET}GET /livez HTTP/1.1\r\nhos`)],
    ["asks nothing more over HTTP/1.1", () => secured("http/1.1", GET)],
    ["does not begin with HTTP/2", () => secured("h2", "")],
    ["begins and asks nothing", () => secured("h2", `${PREFACE}`)],
    ["begins a head and does not end it", () => secured("h2", `${PREFACE}\0\0\u0001\u0001\0\0\0\0\u0001\u0082`)],
  ])("closes the connection of a client that %s", async (_title, open) => {
    await closed(open());
  });

  it("keeps one on which a watch is open, however quiet, until that is over", async () => {
    const watching = speaking();
    const isOver = closed(watching);
    const watch = watching.request({ ":path": "/api/v1/configmaps?watch=1", authorization: "Bearer secret" });
    watch.on("error", ignore).resume();
    await new Promise((resolve) => watch.once("response", resolve));
    // Others are closed one after the other meanwhile.
    for (let i = 0; i < 3; i++) {
      const asking = speaking();
      asking.request({ ":path": "/livez" }).on("error", ignore).resume();
      await closed(asking);
    }
    expect(watching.destroyed || watching.closed).toBe(false);
    watch.close();
    await isOver;
  });
});

/** And an empty SETTINGS frame. RFC 9113, section 3.4. */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0";

function ignore(): void {}
