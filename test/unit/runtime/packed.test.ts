import { Packr } from "msgpackr/pack";
import { unpack } from "msgpackr/unpack";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FrameCodec, CAST } from "../../../runtime/frame.ts";
import { packed, SCRATCH_BYTES_MAX } from "../../../runtime/packed.ts";
import { PreEncoder } from "../../../runtime/pre-encoded.ts";

const taken = vi.spyOn(Buffer, "allocUnsafeSlow");
afterEach(() => void taken.mockClear());

const packr = new Packr();
const LARGE = "x".repeat(3 * SCRATCH_BYTES_MAX);

describe("packing", () => {
  it("goes on in one buffer, however much is packed", () => {
    packed(packr, "the first", () => undefined);
    taken.mockClear();
    const places = new Set<number>();
    for (let index = 0; index < 1_000; index++) {
      packed(packr, { index, text: "x".repeat(1_000) }, (bytes) => {
        places.add(bytes.byteOffset);
        expect(unpack(bytes)).toMatchObject({ index });
      });
    }
    expect(places.size).toBe(1);
    expect(taken).not.toHaveBeenCalled();
  });

  it("lets go of a buffer that has grown for one large value", () => {
    packed(packr, LARGE, (bytes) => expect(unpack(bytes)).toBe(LARGE));
    packed(packr, "small", (bytes) => {
      expect(unpack(bytes)).toBe("small");
      expect(bytes.buffer.byteLength).toBeLessThanOrEqual(SCRATCH_BYTES_MAX);
    });
  });

  it("goes on after a value that can't be packed", () => {
    const broken = {
      text: "x",
      get field(): never {
        throw new Error("no");
      },
    };
    for (let round = 0; round < 3; round++) {
      expect(() => packed(packr, broken, () => undefined)).toThrow("no");
      packed(packr, round, (bytes) => expect(unpack(bytes)).toBe(round));
    }
  });
});

it("a link's frames, and values that are encoded for many, take no buffers for packing", () => {
  const [sender, encoder] = [new FrameCodec(), new PreEncoder()];
  const send = (index: number): void => {
    const value = encoder.encode({ index, text: "x".repeat(2_000) }).inMessage;
    sender.encode(index, [[CAST, 0, { index, text: "y".repeat(2_000), value }, 0]]);
  };
  send(0);
  taken.mockClear();
  for (let index = 1; index <= 1_000; index++) send(index);
  expect(taken).not.toHaveBeenCalled();
});
