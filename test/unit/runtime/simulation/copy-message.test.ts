import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Envelope } from "../../../../runtime/frame.ts";
import { CAST, FrameCodec } from "../../../../runtime/frame.ts";
import { PreEncoder } from "../../../../runtime/pre-encoded.ts";
import { copyMessage } from "../../../../runtime/simulation/copy-message.ts";

/** A value and every one within it. */
function valuesIn(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [value];
  return [value, ...Object.values(value).flatMap(valuesIn)];
}

/** Every object within a value. */
function objectsIn(value: unknown): readonly object[] {
  return valuesIn(value).filter((within) => typeof within === "object" && within !== null);
}

function throughTheCodec(envelopes: readonly Envelope[]): readonly Envelope[] {
  const codec = new FrameCodec();
  return codec.decode(codec.encode(1, [...envelopes])).envelopes;
}

const castOf = (request: unknown): Envelope => [CAST, 1, request, 0];

describe("copyMessage", () => {
  it("copies plain data as the codec carries it, and shares nothing", () => {
    const bytes = fc.uint8Array().map((array) => new Uint8Array(array));
    const leaf = fc.oneof(fc.jsonValue({ maxDepth: 2 }), bytes, fc.constant(undefined));
    const request = fc.dictionary(fc.string({ unit: "grapheme-ascii" }), leaf);
    fc.assert(
      fc.property(fc.array(request, { minLength: 1 }), (requests) => {
        fc.pre(objectsIn(requests).every((object) => !Object.hasOwn(object, "__proto__")));
        fc.pre(valuesIn(requests).every((value) => !Object.is(value, -0)));
        const envelopes = requests.map(castOf);
        const copy = copyMessage(envelopes);
        expect(copy).toEqual(throughTheCodec(envelopes));
        const originals = new Set(objectsIn(envelopes));
        for (const object of objectsIn(copy)) expect(originals.has(object)).toBe(false);
      }),
    );
  });

  it("gives each reader of what was encoded once its own, as it was then", () => {
    const encoder = new PreEncoder();
    const given = { labels: { app: "web" } };
    const message = encoder.encode(given).inMessage;
    given.labels.app = "changed";
    const first = copyMessage([castOf(message)]);
    const second = copyMessage([castOf([message])]);
    expect(first).toEqual([castOf({ labels: { app: "web" } })]);
    expect(second).toEqual([castOf([{ labels: { app: "web" } }])]);
    ((first as [Envelope])[0][2] as typeof given).labels.app = "other";
    expect(copyMessage([castOf(message)])).toEqual([castOf({ labels: { app: "web" } })]);
    // Of another shape than those that are known.
    expect(copyMessage([castOf(encoder.encode({ a: { b: 1 } }).inMessage)])).toEqual([castOf({ a: { b: 1 } })]);
  });

  it("leaves to the codec what is of a class, or no plain data", () => {
    expect(copyMessage([castOf(new Date(0))])).toBeUndefined();
    expect(copyMessage([castOf({ at: new Map() })])).toBeUndefined();
    expect(copyMessage([castOf(7n)])).toBeUndefined();
    expect(copyMessage([castOf({ at: [-0] })])).toBeUndefined();
    expect(copyMessage([castOf(JSON.parse('{"__proto__":1}'))])).toBeUndefined();
    expect(copyMessage([castOf([...Array.from({ length: 30 }, () => 0), () => undefined])])).toBeUndefined();
  });

  it("refuses what a structured clone of a lone small message would", () => {
    expect(() => copyMessage([castOf(() => undefined)])).toThrow("a function can't be sent");
  });
});
