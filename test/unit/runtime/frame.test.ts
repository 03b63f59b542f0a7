import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call, Protocol } from "../../../protocols/protocol.ts";
import { call, protocol } from "../../../protocols/protocol.ts";
import type { Handlers } from "../../../runtime/actor.ts";
import { Cell } from "../../../runtime/cell.ts";
import { recorderLogger } from "../../../runtime/context.ts";
import { CAST, FrameCodec, ITEM } from "../../../runtime/frame.ts";
import { PreEncoded, PreEncoder } from "../../../runtime/pre-encoded.ts";
import { PortLinks, atEndOfTurn, threadTurns } from "../../../runtime/threads/port-links.ts";
import { threadClock } from "../../../runtime/threads/thread-clock.ts";
import { Recorder } from "../../../runtime/trace/recorder.ts";
import { RingWriter, makeRing } from "../../../runtime/trace/ring.ts";

const cast = (request: unknown): [typeof CAST, number, unknown, number] => [CAST, 0, request, 0];
const requests = (codec: FrameCodec, bytes: Uint8Array): unknown[] =>
  codec.decode(bytes).envelopes.map((envelope) => envelope[2]);

describe("a link's codec", () => {
  it("gives back any plain data, frame after frame", () => {
    const plain = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes("__proto__"));
    fc.assert(
      fc.property(fc.array(fc.array(plain, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), (frames) => {
        const [from, to] = [new FrameCodec(7), new FrameCodec(9)];
        for (const values of frames) {
          const expected = JSON.stringify(values);
          expect(JSON.stringify(requests(to, from.encode(1, values.map(cast))))).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses the frame after one that was lost, instead of reading it with the wrong shapes", () => {
    const [from, to] = [new FrameCodec(7), new FrameCodec(9)];
    to.decode(from.encode(1, [cast({ a: 1 })]));
    from.encode(2, [cast({ x: 1, y: 2 })]);
    const after = from.encode(3, [cast({ p: 1, q: 2 }), cast({ x: 3, y: 4 })]);
    expect(() => to.decode(after)).toThrow(/frame 3 came in the place of frame 2/);
  });

  it("goes on after what it can't encode, as if that had not been asked, whatever shapes came before", () => {
    const plain = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes("__proto__"));
    const producer = new PreEncoder();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(plain, { maxLength: 4 }), fc.boolean()), { maxLength: 8 }), (frames) => {
        const [from, to] = [new FrameCodec(7), new FrameCodec(9)];
        for (const [values, fails] of frames) {
          const encoded = producer.encode(values).inMessage;
          const envelopes = [...values, encoded].map(cast);
          if (fails) {
            const asked = [...envelopes, cast(Symbol("bad"))];
            expect(() => from.encode(1, asked)).toThrow(/symbol/);
            // Nothing of the values that were encoded before waits to be sent.
            const unasked = new FrameCodec(7).encode(1, [cast(1)]).length;
            const probe = new FrameCodec(7);
            expect(() => probe.encode(1, [...envelopes, cast(Symbol("bad"))])).toThrow(/symbol/);
            expect(probe.encode(1, [cast(1)])).toHaveLength(unasked);
            expect(asked).toHaveLength(envelopes.length + 1);
          }
          const expected = JSON.stringify([...values, values]);
          expect(JSON.stringify(requests(to, from.encode(1, envelopes)))).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("refuses a frame of another incarnation of the link", () => {
    const to = new FrameCodec(9);
    to.decode(new FrameCodec(7).encode(1, [cast(1)]));
    const stranger = new FrameCodec(8);
    stranger.encode(1, [cast({ a: 1 })]);
    expect(() => to.decode(stranger.encode(2, [cast({ a: 1 })]))).toThrow(/another incarnation/);
  });

  it("reads values that were encoded once on every link, whenever it came to be, each with a copy of its own", () => {
    const encoder = new PreEncoder();
    const pods = [1, 2, 3].map((index) => ({
      kind: "Pod",
      metadata: { name: `web-${index}`, labels: { app: "web" } },
    }));
    const node = { kind: "Node", status: { ready: true } };
    const events = [...pods, node].map((object) => encoder.encode(object));
    const deep = (value: unknown): unknown => ({ type: "ADDED", list: [{ object: value }, value], rest: 1 });
    for (const from of [0, 2, 3]) {
      const [sender, reader] = [new FrameCodec(7), new FrameCodec(9)];
      for (let index = from; index < events.length; index++) {
        const object = [...pods, node][index];
        const event = events[index]!;
        const frame = sender.encode(1, [[ITEM, 1, deep(event)], [ITEM, 1, event], cast(null)]);
        const [nested, bare] = requests(reader, frame) as [{ list: unknown[] }, unknown];
        expect(nested).toEqual(deep(object));
        expect(bare).toEqual(object);
        expect(nested.list[1]).not.toBe(bare);
      }
    }
  });

  it("sends the shapes of pre-encoded values once over a link", () => {
    const encoder = new PreEncoder();
    const sender = new FrameCodec(7);
    const value = { someQuiteLongFieldName: 1, anotherQuiteLongFieldName: { andOneMoreLongFieldName: 2 } };
    const first = sender.encode(1, [cast(encoder.encode(value))]);
    const second = sender.encode(2, [cast(encoder.encode(value))]);
    expect(first.length).toBeGreaterThan(90);
    expect(second.length).toBeLessThan(50);
    expect(encoder.encode(value)).toBeInstanceOf(PreEncoded);
  });

  it("reads pre-encoded values of more shapes than the table holds, on a link that was there and on one that joined", () => {
    const encoder = new PreEncoder();
    const early = { from: new FrameCodec(7), to: new FrameCodec(9) };
    const late = { from: new FrameCodec(7), to: new FrameCodec(9) };
    const shapes = 1_100;
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < shapes; index++) {
        const value = { [`field-${index}`]: index, nested: [{ [`inner${index % 70}`]: "x" }, { kind: "Pod" }] };
        const links = index < 600 && round === 0 ? [early] : [early, late];
        const encoded = encoder.encode(value);
        for (const { from, to } of links) {
          const frame = from.encode(1, [cast({ before: encoded, [`own${index % 40}`]: 1 }), cast([encoded, null])]);
          expect(requests(to, frame)).toEqual([{ before: value, [`own${index % 40}`]: 1 }, [value, null]]);
        }
      }
    }
  });
});

type PairMethods = { echo: Call<{ readonly value: unknown }, { readonly value: unknown }>; never: Call<null, null> };
const pairProtocol: Protocol<PairMethods> = protocol<PairMethods>("pair", { echo: call(), never: call() });
const handlers: Handlers<PairMethods> = {
  echo: ({ value }) => ({ value }),
  never: () => new Promise(() => undefined),
};

function end(name: string): { readonly cell: Cell; readonly links: PortLinks } {
  const clock = threadClock({ unref: true });
  const recorder = new Recorder(name, clock, new RingWriter(makeRing()));
  const links = new PortLinks(recorder, { unref: false });
  const cell = new Cell(name, {
    clock,
    recorder,
    log: recorderLogger(recorder),
    transmit: (peer, envelopes, refuse) => links.transmit(peer, envelopes, refuse),
    atEndOfTurn,
    progress: () => undefined,
    turns: threadTurns,
    crash: (error) => {
      throw error;
    },
  });
  cell.activate(pairProtocol, handlers);
  return { cell, links };
}

describe("a link between two threads", () => {
  it("carries a lone pre-encoded value as plain data, however small", async () => {
    const [left, right] = [end("left"), end("right")];
    const { port1, port2 } = new MessageChannel();
    left.links.connect(left.cell, "right", port1);
    right.links.connect(right.cell, "left", port2);
    try {
      const value = new PreEncoder().encode({ small: 1 }).inMessage;
      const answers = await Promise.all(
        ["left", "right"].map((name) => {
          const { cell } = name === "left" ? right : left;
          return cell.ref(pairProtocol, name).call("echo", { value });
        }),
      );
      expect(answers).toEqual([{ value: { small: 1 } }, { value: { small: 1 } }]);
    } finally {
      left.links.close();
      right.links.close();
    }
  });

  it("that can't be read any more is made anew: what was under way fails, and later calls are answered", async () => {
    const [left, right] = [end("left"), end("right")];
    const { port1, port2 } = new MessageChannel();
    left.links.connect(left.cell, "right", port1);
    right.links.connect(right.cell, "left", port2);
    try {
      const ref = left.cell.ref(pairProtocol, "right");
      const large = { value: Array.from({ length: 50 }, (_, index) => ({ index })) };
      expect(await ref.call("echo", large)).toEqual(large);
      const pending = ref.call("never", null);
      port1.postMessage(new FrameCodec(1).encode(1, [[CAST, 0, null, 0]]));
      await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN", retryable: true });
      expect(right.cell.statistics().deadLetters).toEqual({ "a frame of another incarnation of the link": 1 });
      expect(await ref.call("echo", large)).toEqual(large);
      expect(await right.cell.ref(pairProtocol, "left").call("echo", { value: 1 })).toEqual({ value: 1 });
    } finally {
      left.links.close();
      right.links.close();
    }
  });
});
