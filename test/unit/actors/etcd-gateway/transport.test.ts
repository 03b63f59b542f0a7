/** gRPC over connections that go wrong: whether a request may have been carried out is known whatever happens. */
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer as createPipe } from "node:net";
import { afterEach, expect, it } from "vitest";
import { grpcTransport } from "../../../../actors/etcd-gateway/io/grpc-transport.ts";
import type { EtcdGatewayOptions } from "../../../../actors/etcd-gateway/spec.ts";
import { ETCD_GATEWAY_DEFAULTS } from "../../../../actors/etcd-gateway/spec.ts";
import type { Transport } from "../../../../actors/etcd-gateway/transport.ts";
import { frame } from "../../../../protocols/etcd-wire/grpc.ts";

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

async function serving(
  answer: (stream: ServerHttp2Stream) => void,
): Promise<{ readonly endpoint: string; server: Http2Server }> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => void sessions.add(session.on("error", () => undefined)));
  server.on("stream", (stream) => answer(stream.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push({
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function client(endpoint: string, more: Partial<EtcdGatewayOptions> = {}): Transport {
  const transport = grpcTransport({ ...ETCD_GATEWAY_DEFAULTS, endpoint, tls: {}, ...more });
  opened.push(transport);
  return transport;
}

const status = (transport: Transport, timeoutMs = 5_000): Promise<{ readonly version: string }> =>
  transport.call("/etcdserverpb.Maintenance/Status", {}, { timeoutMs });
const HEAD = { ":status": 200, "content-type": "application/grpc" };

it("reads an answer that comes in pieces, and the status behind it", async () => {
  const { endpoint } = await serving((stream) => {
    stream.respond(HEAD, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    for (const byte of frame("StatusResponse", { version: "3.7.3" })) stream.write(Uint8Array.of(byte));
    stream.end();
  });
  expect((await status(client(endpoint))).version).toBe("3.7.3");
});

it("tells a refusal in headers alone, by its code and its text", async () => {
  const { endpoint } = await serving((stream) => {
    stream.respond({ ...HEAD, "grpc-status": "14", "grpc-message": "etcdserver: no%20leader" }, { endStream: true });
  });
  await expect(status(client(endpoint))).rejects.toMatchObject({ code: 14, message: "etcdserver: no leader" });
});

it("says that nothing was sent where nobody listens", async () => {
  const { endpoint, server } = await serving(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  await expect(status(client(endpoint))).rejects.toMatchObject({ code: "NOT_SENT" });
});

it("says that nobody knows where the connection ends before the answer", async () => {
  const { endpoint } = await serving((stream) => stream.session?.destroy());
  await expect(status(client(endpoint))).rejects.toMatchObject({ code: "CONNECTION_LOST" });
});

it("goes on by a new connection", async () => {
  let asked = 0;
  const { endpoint } = await serving((stream) => {
    if (asked++ === 0) return stream.session?.destroy();
    stream.respond(HEAD, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(frame("StatusResponse", { version: "3.4.23" }));
  });
  const transport = client(endpoint);
  await expect(status(transport)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  expect((await status(transport)).version).toBe("3.4.23");
});

it("is bounded in what it reads, and takes no page of the web for an answer", async () => {
  const { endpoint } = await serving((stream) => {
    stream.respond(HEAD);
    stream.end(frame("StatusResponse", { version: "3".repeat(100) }));
  });
  await expect(status(client(endpoint, { answerBytesMax: 50 }))).rejects.toMatchObject({ code: 8 });
  const web = await serving((stream) => {
    stream.respond({ ":status": 404 });
    stream.end("not here");
  });
  await expect(status(client(web.endpoint))).rejects.toMatchObject({ code: expect.any(Number) });
});

it("gives up a member that does not answer pings, with all that waits for it", async () => {
  const pipes: Socket[] = [];
  const { endpoint } = await serving(() => {
    // From here on nothing comes back, and nobody says so: a member that is stopped, or cut off.
    for (const pipe of pipes) pipe.pause();
  });
  const between = createPipe((socket) => {
    const behind = connect(Number(new URL(endpoint).port), "127.0.0.1");
    for (const pipe of [socket, behind]) pipes.push(pipe.on("error", () => undefined));
    socket.pipe(behind);
    behind.pipe(socket);
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  opened.push({ close: () => pipes.map((pipe) => pipe.destroy()).length && between.close() });
  const through = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
  const ended = new Promise<Error>((resolve) => {
    client(through, { pingMs: 20, pingTimeoutMs: 20 }).stream(
      "/etcdserverpb.Watch/Watch",
      { createRequest: {} },
      { next: () => undefined, end: resolve },
    );
  });
  expect(await ended).toMatchObject({ code: "CONNECTION_LOST" });
});
