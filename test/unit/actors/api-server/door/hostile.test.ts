/** Clients that send much and read nothing: what they are held for is bounded, and others are served. */
import { once } from "node:events";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { connect, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpsAnswer } from "../harness/https-client.ts";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import type { ApiServerOptions } from "../../../../../actors/api-server/spec.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import type { Door } from "../harness/https-client.ts";
import { openDoor } from "../harness/https-client.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests, startServer } from "../harness/test-server.ts";

const HELD_BYTES_MAX = 300_000;
const maps = "/api/v1/namespaces/default/configmaps";

describe("a server whose clients send much and read nothing", () => {
  const authority = makeAuthority("test-ca", Date.now());
  const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
  let server: TestServer;
  let port: number;
  const sessions: ClientHttp2Session[] = [];

  beforeAll(async () => {
    const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
    server = await startServer({ tls, heldBytesMax: HELD_BYTES_MAX }, httpsDoor());
    port = (await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never)).port;
  });
  afterAll(async () => {
    for (const each of sessions) each.destroy();
    await server.stop();
    expect(server.crashes).toEqual([]);
  });

  /** @param initialWindowSize bytes of an answer that come before anybody reads */
  function connected(initialWindowSize: number): ClientHttp2Session {
    const made = connect(`https://127.0.0.1:${port}`, {
      ca: authority.certificate,
      checkServerIdentity: () => undefined,
      settings: { initialWindowSize },
    });
    sessions.push(made);
    return made;
  }

  function ask(from: ClientHttp2Session, method: string, path: string, endStream = true): ClientHttp2Stream {
    const headers = { ":method": method, ":path": path, authorization: "Bearer secret" };
    return from.request(headers, { endStream });
  }

  const statusOf = (stream: ClientHttp2Stream): Promise<number> =>
    new Promise((resolve, reject) => {
      stream.on("response", (head) => resolve(Number(head[":status"])));
      stream.on("error", reject);
    });

  const asked = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        host: "127.0.0.1",
        port,
        ca: authority.certificate,
        checkServerIdentity: () => undefined,
      });
      let answer = "";
      socket.on("data", (bytes: Buffer) => (answer += bytes.toString("utf8")));
      socket.on("error", reject);
      socket.on("end", () => resolve(answer));
      socket.write(text);
    });

  it.each([
    ["a method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed", '"reason":"MethodNotAllowed"'],
    ["a line", "GARBAGE\r\n\r\n", "405 Method Not Allowed", '"reason":"MethodNotAllowed"'],
    ["a header", "GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", "400 Bad Request", "400 Bad Request"],
    ["its size", `GET / HTTP/1.1\r\nA: ${"b".repeat(2_000_000)}\r\n\r\n`, "431 Request Header Fields Too Large", "431"],
  ])("says what is wrong with what is no request: %s", async (_what, text, status, body) => {
    const [head = "", rest = ""] = (await asked(text)).split("\r\n\r\n");
    expect(head).toContain(`HTTP/1.1 ${status}`);
    expect(rest).toContain(body);
  });

  it("refuses a body when all that are coming in are too large together, and takes the others to their end", async () => {
    const from = connected(65_535);
    const streams = [1, 2, 3].map(() => ask(from, "POST", maps, false));
    const statuses = streams.map(statusOf);
    for (const stream of streams) stream.write(Buffer.alloc(HELD_BYTES_MAX / 2 - 10, " "));
    expect(await Promise.race(statuses)).toBe(429);
    for (const stream of streams) stream.end("{}");
    expect((await Promise.all(statuses)).sort((a, b) => a - b)).toEqual([422, 422, 429]);
    for (const stream of streams) stream.close();
  });

  it("refuses large answers while others lie unread, and gives them when those are given up", async () => {
    const from = connected(1_000);
    const post = ask(from, "POST", maps, false);
    const made = statusOf(post);
    post.end(JSON.stringify({ metadata: { name: "large" }, data: { a: "x".repeat((2 * HELD_BYTES_MAX) / 3) } }));
    expect(await made).toBe(201);
    post.close(constants.NGHTTP2_CANCEL);
    // The server lets go of what a stream has held when it hears of its end.
    let unread = post;
    const large = (): Promise<number> => statusOf((unread = ask(from, "GET", `${maps}/large`)));
    await expect.poll(large, { timeout: 10_000 }).toBe(200);
    const held = unread;
    expect(await large()).toBe(429);
    expect(await statusOf(ask(from, "GET", maps.replace("configmaps", "secrets")))).toBe(200);
    held.close(constants.NGHTTP2_CANCEL);
    await expect.poll(large, { timeout: 10_000 }).toBe(200);
  });
});

describe("a body that takes its time", () => {
  const authority = makeAuthority("test-ca", Date.now());
  const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
  const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
  const trust = { ca: authority.certificate, checkServerIdentity: () => undefined };
  const started = serversOfTests();

  async function serving127(options: Partial<ApiServerOptions>): Promise<{ server: TestServer; port: number }> {
    const server = await started({ tls, ...options }, httpsDoor());
    const where = { host: "127.0.0.1", port: 0, reusePort: false };
    return { server, ...(await server.actor.handlers.serve(where, {} as never)) };
  }

  it("is broken off, and the answer to one that came in time may take longer than a body may", async () => {
    const { server, port } = await serving127({ bodyTimeoutMs: 50 });
    const from = connect(`https://127.0.0.1:${port}`, trust);
    const begun = (method: string): ClientHttp2Stream =>
      from.request({ ":method": method, ":path": maps, authorization: "Bearer secret" }, { endStream: false });
    const answered = (stream: ClientHttp2Stream): Promise<unknown> =>
      new Promise((resolve, reject) => {
        stream.on("response", (head) => resolve(head[":status"])).on("error", reject);
        stream.on("close", () => resolve("broken off"));
      });
    server.etcd.hold();
    const made = begun("POST");
    made.end(JSON.stringify({ metadata: { name: "a" } }));
    expect(await answered(made)).toBe(201);
    // It waits for what has just been written.
    const whole = begun("DELETE");
    const status = answered(whole);
    whole.end("{}");
    // It began later, and so did its time.
    const half = begun("POST").on("error", () => undefined);
    half.write("{");
    await once(half, "close");
    server.etcd.release();
    expect(await status).toBe(200);
    from.destroy();
  });

  it("is not read to its end over HTTP/1.1 when it is refused: its connection ends with the answer", async () => {
    const { port } = await serving127({ bodyBytesMax: 1_000 });
    const socket = connectTls({ host: "127.0.0.1", port, ...trust });
    const head = `POST ${maps} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\r\nContent-Length: 1000000`;
    socket.write(`${head}\r\n\r\n${"x".repeat(2_000)}`);
    const [bytes] = (await once(socket, "data")) as [Buffer];
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 413 [^]*\r\nconnection: close\r\n/i);
    socket.destroy();
  });
});

describe("what a request was", () => {
  it("is counted as Kubernetes counts it: applied, or tried", async () => {
    const door = await openDoor();
    const apply = { "content-type": "application/apply-patch+yaml" };
    const map = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
    for (const query of ["", "&dryRun=All"])
      await door.askText("PATCH", `${maps}/a?fieldManager=m${query}`, apply, map);
    await door.ask("POST", `${maps}?dryRun=no`, {}, { metadata: { name: "b" } });
    const { text } = await door.ask("GET", "/metrics");
    const of = (name: string): string => `${name},group="",resource="configmaps"`;
    expect(text).toContain(of('apiserver_request_total{code="201",component="apiserver",dry_run=""'));
    expect(text).toContain(of('apiserver_request_total{code="200",component="apiserver",dry_run="All"'));
    expect(text).toMatch(/apiserver_request_total\{code="4\d\d",component="apiserver",dry_run="invalid"/);
    expect(text).toMatch(/apiserver_request_total\{.*dry_run="All".*verb="APPLY"/);
    await door.close();
  });
});

describe("a body that stands for more than it is", () => {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor();
  });
  afterAll(() => door.close());

  const apply = (name: string, yaml: string): Promise<HttpsAnswer> =>
    door.askText("PATCH", `${maps}/${name}?fieldManager=m`, { "content-type": "application/apply-patch+yaml" }, yaml);
  const excessive = expect.stringContaining("document contains excessive aliasing") as string;

  it.each([
    ["a long text many times over", `a: &a ${"x".repeat(100_000)}\n${manyTimes(900, (i) => `b${i}: *a\n`)}`],
    ["many anchors of one name", `a: &a [1]\n${manyTimes(5_000, (i) => `b${i}: *a\nc${i}: &a [1]\n`)}`],
    [
      "a map that is merged many times",
      `%YAML 1.1\n---\na: &a {${manyTimes(9_000, (i) => `k${i}: 1, `)}}\n${manyTimes(900, (i) => `b${i}: {<<: *a}\n`)}`,
    ],
  ])("is refused as YAML: %s", async (_title, yaml) => {
    const { status, text } = await apply("bomb", yaml);
    expect([status, JSON.parse(text)]).toEqual([400, expect.objectContaining({ message: excessive })]);
  });

  it.each([
    ["numbers in a list", "data: [", "1,"],
    ["empty keys", "", "?\n"],
    ["comments", "", "#\n"],
    ["items", "", "- 1\n"],
  ])("is refused as YAML before it is parsed: %s", async (_title, head, piece) => {
    const { status, text } = await apply("bomb", head + piece.repeat(1_000_000 / piece.length));
    const message = "Request entity too large: YAML of more than 200000 tokens is not read; send it as JSON";
    expect([status, JSON.parse(text)]).toEqual([413, expect.objectContaining({ message })]);
  });

  it("is told of in no more warnings than a header has room for, as by kube-apiserver", async () => {
    const env = Array.from({ length: 600 }, () => ({ name: `A${"b".repeat(200)}`, value: "1" }));
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "x", env }] } };
    const { status, headers } = await door.ask(
      "POST",
      maps.replace("configmaps", "podtemplates"),
      {},
      {
        metadata: { name: "many" },
        template,
      },
    );
    const warnings = String(headers["warning"]).match(/299 - "(?:[^"\\]|\\.)*"/g) ?? [];
    // Each of 256 characters, one of which is escaped.
    expect([status, warnings.length, warnings[15]?.length]).toEqual([201, 16, 265]);
  });

  it("is told of in UTF-8", async () => {
    const { status, headers } = await door.ask("POST", maps, {}, { metadata: { name: "utf-8" }, "€": 1 });
    expect(status).toBe(201);
    expect(Buffer.from(String(headers["warning"]), "latin1").toString()).toBe('299 - "unknown field \\"€\\""');
  });
});

function manyTimes(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("");
}
