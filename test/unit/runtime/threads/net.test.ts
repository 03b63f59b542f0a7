import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Connection, Listener } from "../../../../runtime/net.ts";
import { ThreadNet } from "../../../../runtime/threads/net.ts";

const TIMEOUT = { timeoutMs: 2_000 };
let net: ThreadNet;

beforeEach(() => {
  net = new ThreadNet();
});
afterEach(() => {
  net.close();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "resolved",
    (error: unknown) => (hasCode(error) ? error.code : String(error)),
  );

/** Everything that a connection receives until its peer ends. */
function received(connection: Connection): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new TextDecoder();
    let text = "";
    connection.onData((chunk) => (text += decoder.decode(chunk, { stream: true })));
    connection.onEnd(() => resolve(text));
    connection.onClose((error) => (error === undefined ? resolve(text) : reject(error)));
  });
}

function echo(): Promise<Listener> {
  return net.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
    connection.onData((chunk) => connection.write(chunk));
    connection.onEnd(() => connection.end());
  });
}

describe("ThreadNet", () => {
  it("lets both sides talk, and one side finish before the other", async () => {
    const server = await net.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
      void received(connection).then((text) => {
        connection.write(bytes(`heard ${text}`));
        connection.end();
      });
    });
    const client = await net.connect(server.address, TIMEOUT);
    client.write(bytes("hello"));
    client.end();
    expect(await received(client)).toBe("heard hello");
    expect(client.remote).toEqual(server.address);
  });

  it("answers a taken port, a foreign address, and a port where nobody listens by their codes", async () => {
    const server = await echo();
    expect(await codeOf(net.listen(server.address, () => undefined))).toBe("ADDRESS_IN_USE");
    expect(await codeOf(net.listen({ host: "192.0.2.1", port: 0 }, () => undefined))).toBe("ADDRESS_NOT_AVAILABLE");
    await server.close();
    expect(await codeOf(net.connect(server.address, TIMEOUT))).toBe("CONNECTION_REFUSED");
  });

  it("frees the port when a listener closes and keeps the connections that are open", async () => {
    const server = await echo();
    const client = await net.connect(server.address, TIMEOUT);
    const answer = received(client);
    await server.close();
    const next = await net.listen(server.address, () => undefined);
    expect(next.address.port).toBe(server.address.port);
    client.write(bytes("still here"));
    client.end();
    expect(await answer).toBe("still here");
  });

  it("splices two connections both ways with backpressure, until both have ended", async () => {
    const back = await echo();
    const front = await net.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
      void net.connect(back.address, TIMEOUT).then((upstream) => connection.splice(upstream));
    });
    const client = await net.connect(front.address, TIMEOUT);
    const total = 8 * 1024 * 1024;
    let count = 0;
    const done = new Promise<void>((resolve) => {
      client.onData((chunk) => (count += chunk.length));
      client.onEnd(resolve);
    });
    const block = new Uint8Array(256 * 1024);
    const ready = (): Promise<void> => new Promise((resolve) => client.onDrain(resolve));
    for (let sent = 0; sent < total; sent += block.length) if (!client.write(block)) await ready();
    client.end();
    await done;
    expect(count).toBe(total);
  });

  it("breaks a spliced connection when the other one breaks", async () => {
    const back = await net.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
      connection.onData(() => connection.destroy());
    });
    const front = await net.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
      void net.connect(back.address, TIMEOUT).then((upstream) => connection.splice(upstream));
    });
    const client = await net.connect(front.address, TIMEOUT);
    const closed = new Promise<void>((resolve) => client.onClose(() => resolve()));
    client.onData(() => undefined);
    client.write(bytes("anything"));
    await closed;
  });

  it("tells of a close to a listener that comes late, once", async () => {
    const server = await echo();
    const client = await net.connect(server.address, TIMEOUT);
    const first = new Promise<void>((resolve) => client.onClose(() => resolve()));
    client.destroy();
    await first;
    await new Promise<void>((resolve) => client.onClose(() => resolve()));
  });

  it("closes everything that is open when the host closes it", async () => {
    const server = await echo();
    const other = new ThreadNet();
    const client = await other.connect(server.address, TIMEOUT);
    const closed = new Promise<void>((resolve) => client.onClose(() => resolve()));
    client.onData(() => undefined);
    net.close();
    await closed;
    expect(await codeOf(net.listen({ host: "127.0.0.1", port: 0 }, () => undefined))).toBe("CANCELLED");
    other.close();
  });
});
