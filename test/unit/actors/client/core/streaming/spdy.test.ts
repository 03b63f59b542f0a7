/** SPDY/3.1 as clients of Kubernetes speak it. zlib of Node.js stands for the one of Go. */
import { constants, deflateSync, inflateRawSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolFault } from "../../../../../../actors/client/core/streaming/bytes.ts";
import { SPDY_DICTIONARY } from "../../../../../../actors/client/core/streaming/spdy-dictionary.ts";
import type { InflateRaw } from "../../../../../../actors/client/core/streaming/spdy-headers.ts";
import { HeaderReader, HeaderWriter } from "../../../../../../actors/client/core/streaming/spdy-headers.ts";
import type { SpdyEvent } from "../../../../../../actors/client/core/streaming/spdy.ts";
import { SpdyConnection } from "../../../../../../actors/client/core/streaming/spdy.ts";

const inflate: InflateRaw = (bytes, dictionary, bytesMax) =>
  inflateRawSync(bytes, {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: bytesMax,
    ...(dictionary.length === 0 ? {} : { dictionary }),
  });

/** Pairs with their lengths before them, as section 2.6.10 has them. */
function block(headers: Readonly<Record<string, string>>): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const texts = Object.entries(headers)
    .flat()
    .map((text) => Buffer.from(text));
  return Buffer.concat([number(texts.length / 2), ...texts.flatMap((text) => [number(text.length), text])]);
}

/** As Go's writer begins a stream: with the dictionary, and flushed. */
function deflated(bytes: Buffer): Buffer {
  return deflateSync(bytes, { dictionary: Buffer.from(SPDY_DICTIONARY), finishFlush: constants.Z_SYNC_FLUSH });
}

describe("headers", () => {
  it("have the dictionary of the draft, whose checksum every client sends", () => {
    const bytes = deflated(block({ a: "b" }));
    // CMF, FLG with FDICT, then Adler-32 of the dictionary.
    expect(bytes.subarray(2, 6).toString("hex")).toBe("e3c6a7c2");
    expect(SPDY_DICTIONARY).toHaveLength(1_423);
  });

  it("are read with the dictionary, and without it", () => {
    const headers = { streamtype: "data", port: "80", requestid: "0" };
    const without = deflateSync(block(headers), { finishFlush: constants.Z_SYNC_FLUSH });
    for (const bytes of [deflated(block(headers)), without]) {
      expect(new HeaderReader(inflate).read(bytes)).toEqual(headers);
    }
  });

  it("are read by any zlib as they are written, block after block", () => {
    const header = fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/), fc.string({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(header, { minLength: 1, maxLength: 6 }), (all) => {
        const writer = new HeaderWriter();
        const reader = new HeaderReader(inflate);
        const written = all.map((headers) => writer.write(headers));
        const plain = inflateSync(Buffer.concat(written), { finishFlush: constants.Z_SYNC_FLUSH });
        expect(plain).toEqual(Buffer.concat(all.map((headers) => block(headers))));
        for (const [i, bytes] of written.entries()) {
          const seen = Object.fromEntries(Object.entries(all[i] ?? {}).map(([n, v]) => [n, v.split("\0", 1)[0]]));
          expect(reader.read(bytes)).toEqual(seen);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("that grow beyond 64 KiB are refused, and so are those that are none", () => {
    const bomb = deflateSync(Buffer.alloc(1_000_000), { finishFlush: constants.Z_SYNC_FLUSH });
    expect(bomb.length).toBeLessThan(2_000);
    for (const bytes of [bomb, Buffer.from("nothing of zlib"), deflateSync(Buffer.from([0, 0, 0, 9]))]) {
      expect(() => new HeaderReader(inflate).read(bytes)).toThrow(ProtocolFault);
    }
  });
});

/** What a server makes of what a client of the same kind sends it. */
function received(chunks: readonly Uint8Array[]): SpdyEvent[] {
  const server = new SpdyConnection(inflate);
  return chunks.flatMap((chunk) => [...server.receive(chunk)]);
}

describe("a connection", () => {
  it("tells of streams, of what comes on them and of their ends, whatever pieces it came in", () => {
    const client = new SpdyConnection(inflate);
    const sent = Buffer.concat([
      client.open(1, { streamType: "error" }),
      client.open(3, { streamType: "stdin" }),
      client.frame(3, Buffer.from("hello"), false),
      client.frame(3, new Uint8Array(0), true),
      client.reset(1, 5),
      client.goAway(),
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: sent.length }), (size) => {
        const chunks: Buffer[] = [];
        for (let at = 0; at < sent.length; at += size) chunks.push(sent.subarray(at, at + size));
        const events = received(chunks);
        const text = events.map((event) => (event.kind === "data" ? Buffer.from(event.bytes).toString() : "")).join("");
        expect(text).toBe("hello");
        expect(events.filter(({ kind }) => kind !== "data")).toEqual([
          { kind: "stream", id: 1, headers: { streamtype: "error" }, isLast: false },
          { kind: "stream", id: 3, headers: { streamtype: "stdin" }, isLast: false },
          { kind: "reset", id: 1 },
          { kind: "goAway" },
        ]);
        expect(events.filter((event) => event.kind === "data" && event.isLast)).toHaveLength(1);
      }),
    );
  });

  it("sends a ping of the client back, and takes a reply to a stream", () => {
    const ping = Buffer.from("800300060000000400000001", "hex");
    expect(received([ping])).toEqual([{ kind: "send", bytes: new Uint8Array(ping) }]);
    const server = new SpdyConnection(inflate);
    const client = new SpdyConnection(inflate);
    server.receive(client.open(1, {}));
    expect(client.receive(server.reply(1))).toEqual([]);
  });

  it("hands on what a data frame carries before it has ended, however long it says it will be", () => {
    const [event] = received([Buffer.from("0000000100ffffff", "hex"), Buffer.from("abc")]);
    expect(event).toEqual({ kind: "data", id: 1, bytes: new Uint8Array(Buffer.from("abc")), isLast: false });
  });

  it.each([
    ["of another version", "800200060000000400000001"],
    ["of control, with over 64 KiB", "8003000100ffffff"],
    ["without an id", "8003000300000000"],
  ])("refuses a frame %s", (_what, hex) => {
    expect(() => received([Buffer.from(hex, "hex")])).toThrow(ProtocolFault);
  });

  it("refuses a stream with an even number, and one that has been", () => {
    const client = new SpdyConnection(inflate);
    expect(() => received([client.open(2, {})])).toThrow(ProtocolFault);
    const again = new SpdyConnection(inflate);
    expect(() => received([again.open(3, {}), again.open(1, {})])).toThrow(ProtocolFault);
  });
});
