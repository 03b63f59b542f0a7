import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checksum } from "../../../../../../actors/trace-collector/io/checksum.ts";
import type { ChangeBatch, Records } from "../../../../../../actors/trace-collector/core/segments/format.ts";
import {
  HEADER_BYTES,
  decodeSegment,
  encodeChangeBatch,
  encodeGap,
  encodeHeader,
  encodeRecords,
} from "../../../../../../actors/trace-collector/core/segments/format.ts";

const header = { class: "messages", run: 3, number: 12 } as const;
const GAP = { actor: "api-server-0", after: 4, lost: 9 };

function records(actor: string, fill: number): Records {
  return { actor, namesAt: 32, names: Uint8Array.of(1, 2, 3), words: new Int32Array(11).fill(fill) };
}

const batches = [
  encodeRecords(records("a", 1), checksum),
  encodeGap(GAP, checksum),
  encodeRecords(records("etcd-1", 2), checksum),
];
const segment = Buffer.concat([encodeHeader(header, checksum), ...batches]);
const wordsOf = (file: Uint8Array): readonly number[] =>
  decodeSegment(file, "f", checksum).records.map(({ words }) => words[0]!);

describe("a segment", () => {
  it("is read as it was written, wherever in memory it lies", () => {
    for (const shift of [0, 1, 2, 3]) {
      const file = Buffer.concat([Buffer.alloc(shift), segment]).subarray(shift);
      const read = decodeSegment(file, "f", checksum);
      expect(read).toMatchObject({ header, gaps: [GAP], damages: [], tornBytes: 0 });
      expect(read.records.map(({ actor, namesAt }) => [actor, namesAt])).toEqual([
        ["a", 32],
        ["etcd-1", 32],
      ]);
      expect(read.records[1]!.words).toEqual(new Int32Array(11).fill(2));
      expect([...read.records[0]!.names]).toEqual([1, 2, 3]);
    }
  });

  it("has changes of objects with their heads, or as older files have them, without", () => {
    const batch: ChangeBatch = {
      part: "change",
      firstRevision: 7,
      lastRevision: 2 ** 40,
      bytes: 40,
      count: 2,
      packed: Uint8Array.of(1, 2, 3, 4, 5),
      heads: Uint8Array.of(6, 7, 8),
    };
    const of = [batch, { ...batch, heads: undefined }, { ...batch, packed: new Uint8Array() }];
    const file = Buffer.concat([
      encodeHeader(header, checksum),
      ...of.map((each) => encodeChangeBatch(each, checksum)),
    ]);
    const plain = decodeSegment(file, "f", checksum).changes.map(({ packed, heads, ...rest }) => ({
      ...rest,
      packed: [...packed],
      heads: heads && [...heads],
    }));
    expect(plain).toEqual(
      of.map((each) => ({ ...each, packed: [...each.packed], heads: each.heads && [...each.heads] })),
    );
  });

  it("loses what was not written whole at its end, wherever it was cut off, and nothing else", () => {
    const ends = [HEADER_BYTES];
    for (const batch of batches) ends.push(ends.at(-1)! + batch.length);
    for (let length = HEADER_BYTES; length <= segment.length; length++) {
      const whole = ends.filter((end) => end <= length).length - 1;
      const read = decodeSegment(segment.subarray(0, length), "f", checksum);
      expect(read.records.length + read.gaps.length, `${length}`).toBe(whole);
      expect(read.tornBytes, `${length}`).toBe(length - ends[whole]!);
      expect(read.damages).toEqual([]);
    }
  });

  it("loses the batch that is damaged and no other, whichever bit it is, and tells of it", () => {
    fc.assert(
      fc.property(fc.integer({ min: HEADER_BYTES * 8, max: segment.length * 8 - 1 }), (bit) => {
        const file = Buffer.from(segment);
        file[bit >> 3]! ^= 1 << (bit & 7);
        const at = [0, 1, 2].find(
          (index) => bit >> 3 < HEADER_BYTES + batches.slice(0, index + 1).reduce((sum, { length }) => sum + length, 0),
        )!;
        const read = decodeSegment(file, "f", checksum);
        expect(read.records.length + read.gaps.length).toBe(2);
        expect(wordsOf(file)).toEqual([1, 2].filter((fill) => fill !== [1, 0, 2][at]));
        // One at the end whose length says that it goes on is as if it had been cut off.
        expect(read.damages.length + (read.tornBytes > 0 ? 1 : 0)).toBe(1);
        const lost = read.damages[0]?.bytes ?? read.tornBytes;
        expect(lost).toBe(batches[at]!.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is refused when it is of a newer version, is no segment, or is damaged at its beginning, with its name", () => {
    const code = (file: Buffer): unknown => {
      try {
        return decodeSegment(file, "messages-000012.inktrace", checksum);
      } catch (error) {
        return error;
      }
    };
    const newer = Buffer.from(segment);
    newer.writeInt32LE(2, 8);
    expect(code(newer)).toMatchObject({
      code: "TRACE_NEWER",
      message: expect.stringMatching(
        /^messages-000012\.inktrace was written by a newer inkube \(trace format 2/,
      ) as string,
    });
    for (let byte = 0; byte < HEADER_BYTES; byte++) {
      if (byte >= 8 && byte < 12) continue;
      const file = Buffer.from(segment);
      file[byte]! ^= 1;
      expect(code(file), `${byte}`).toMatchObject({ code: "TRACE_DAMAGED" });
    }
    expect(code(Buffer.from("apiVersion: v1\n"))).toMatchObject({ code: "TRACE_DAMAGED" });
  });
});
