/** Answers that are read whole, and bodies that pass: their bounds, and who waits for whom. */
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { answerText } from "../../../../../actors/api-server/io/answer-text.ts";
import type { HttpBody } from "../../../../../actors/api-server/io/http-messages.ts";
import { pour } from "../../../../../actors/api-server/io/http-messages.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const end of closing.splice(0)) end();
  vi.restoreAllMocks();
});

async function ask(
  handler: RequestListener,
  given: { bytesMax?: number; timeoutMs?: number; body?: string; signal?: AbortSignal } = {},
): Promise<unknown> {
  const { bytesMax = 100, timeoutMs = 10_000, body, signal } = given;
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const method = body === undefined ? "GET" : "POST";
  const outgoing = request({ host: "127.0.0.1", port, method, agent: false });
  try {
    const {
      status,
      headers,
      body: text,
    } = await answerText(outgoing, { bytesMax, timeoutMs, late: "too late", signal }, body);
    return { status, etag: headers.etag, text };
  } catch (error) {
    return (error as Error).message;
  }
}

describe("an answer that is read whole", () => {
  it("is what was answered, to what was asked", async () => {
    const echo: RequestListener = (incoming, outgoing) =>
      void incoming.pipe(outgoing.writeHead(201, { etag: '"1"' }).on("error", () => undefined));
    expect(await ask(echo, { body: "grün" })).toEqual({ status: 201, etag: '"1"', text: "grün" });
    expect(await ask(echo)).toEqual({ status: 201, etag: '"1"', text: "" });
  });

  it("may be as long as it is allowed to be, and no longer", async () => {
    const of =
      (bytes: number): RequestListener =>
      (_incoming, outgoing) => {
        outgoing.write("x".repeat(bytes - 1));
        outgoing.end("x");
      };
    expect(await ask(of(100))).toMatchObject({ text: "x".repeat(100) });
    expect(await ask(of(101))).toBe("the answer is longer than 100 bytes");
  });

  it("is given up when nobody wants it any more: the other side sees that its client has gone", async () => {
    const leaving = new AbortController();
    const left = new Promise<void>((resolve) => {
      void ask(
        (_incoming, outgoing) => {
          outgoing.on("close", resolve);
          leaving.abort();
        },
        { signal: leaving.signal },
      ).then((why) => expect(why).toBe("context canceled"));
    });
    await left;
    expect(await ask(() => undefined, { signal: AbortSignal.abort() })).toBe("context canceled");
  });

  it("is given up when it takes too long, whether it has begun or not", async () => {
    expect(await ask(() => undefined, { timeoutMs: 50 })).toBe("too late");
    expect(await ask((_incoming, outgoing) => void outgoing.write("x"), { timeoutMs: 200 })).toBe("too late");
  });

  it("is none when it breaks off", async () => {
    const breaks: RequestListener = ({ socket }, outgoing) => {
      outgoing.writeHead(200, { "content-length": "9" });
      outgoing.write("x", () => socket.destroy());
    };
    expect(await ask(breaks)).toBe("unexpected EOF");
  });

  it("leaves no timer behind, however it ends", async () => {
    const [set, cleared] = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "clearTimeout")];
    const timers = (): unknown[] =>
      set.mock.results.flatMap(({ value }, at) => (set.mock.calls[at]?.[1] === 54_321 ? [value] : []));
    await ask((_incoming, outgoing) => void outgoing.end(), { timeoutMs: 54_321 });
    await ask(({ socket }) => void socket.destroy(), { timeoutMs: 54_321 });
    await ask((_incoming, outgoing) => void outgoing.end("x".repeat(101)), { timeoutMs: 54_321 });
    expect(timers()).toHaveLength(3);
    for (const timer of timers()) expect(cleared).toHaveBeenCalledWith(timer);
  });
});

describe("a body that passes", () => {
  it("comes no faster than it is taken", async () => {
    const incoming = new PassThrough();
    const taken: string[] = [];
    let drained: () => void = () => {};
    const body = {
      write: (bytes: Uint8Array) => {
        taken.push(Buffer.from(bytes).toString());
        return false;
      },
      onceDrained: (listener: () => void) => void (drained = listener),
      end: () => void taken.push("end"),
      destroy: () => void taken.push("broken"),
    } as unknown as HttpBody;
    pour(incoming as unknown as IncomingMessage, body);
    for (const piece of ["a", "b", "c"]) incoming.write(piece);
    incoming.end();
    for (const count of [1, 2]) {
      await expect.poll(() => taken).toHaveLength(count);
      expect(incoming.isPaused()).toBe(true);
      drained();
    }
    await expect.poll(() => taken).toEqual(["a", "b", "c", "end"]);
  });

  it("breaks off where it came from one that did", async () => {
    const incoming = new PassThrough();
    let isBroken = false;
    const body = { write: () => true, destroy: () => void (isBroken = true) } as unknown as HttpBody;
    pour(incoming as unknown as IncomingMessage, body);
    incoming.destroy(new Error("away"));
    await expect.poll(() => isBroken).toBe(true);
  });
});
