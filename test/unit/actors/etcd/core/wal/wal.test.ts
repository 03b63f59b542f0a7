import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../../../../../actors/etcd/core/bytes.ts";
import { RaftLog } from "../../../../../../actors/etcd/core/raft/log.ts";
import type { Entry, HardState } from "../../../../../../actors/etcd/core/raft/types.ts";
import { groupId } from "../../../../../../actors/etcd/core/group-id.ts";
import { crc32c } from "../../../../../../actors/etcd/core/wal/crc32c.ts";
import { recoverLog } from "../../../../../../actors/etcd/core/wal/recovery.ts";
import type { SegmentFile } from "../../../../../../actors/etcd/core/wal/recovery.ts";
import { encodeRecords, encodeSegment, segmentName } from "../../../../../../actors/etcd/core/wal/segment.ts";
import {
  decodeSnapshot,
  encodeSnapshot,
  PIECE_BYTES,
  SnapshotWriter,
} from "../../../../../../actors/etcd/core/wal/snapshot-file.ts";
import { membershipOf } from "../../../../../fixtures/membership.ts";

const names = ["etcd-0", "etcd-1", "etcd-2"];
const expected = { name: "etcd-0", names };
const identity = { clusterId: "c", memberId: 1, name: "etcd-0", founding: membershipOf([1, 2, 3]) };
const start = { index: 0, term: 0 };
const entry = (index: number, term = 1, size = 20): Entry => ({
  index,
  term,
  type: index % 2 === 0 ? "change" : "command",
  data: new Uint8Array(size).fill(index),
});
const state = (term: number, commit: number): HardState => ({ term, vote: 1, commit });
const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Segments, each a list of frames; with where each frame of the last one ends. */
function makeLog(segments: readonly (readonly (readonly Entry[])[])[]): { files: SegmentFile[]; ends: number[] } {
  let previousChain = 0;
  let hardState = state(0, 0);
  let ends: number[] = [];
  const files = segments.map((frames, at) => {
    const head = encodeSegment({ identity, sequence: at + 1, previousChain }, hardState, start);
    let { chain } = head;
    const parts = [head.bytes];
    ends = [head.bytes.length];
    for (const entries of frames) {
      const writer = new ByteWriter();
      hardState = state(1, 0);
      chain = encodeRecords(writer, chain, hardState, entries);
      parts.push(writer.take());
      ends.push(parts.reduce((sum, part) => sum + part.length, 0));
    }
    previousChain = chain;
    return { name: segmentName(at + 1), bytes: join(parts) };
  });
  return { files, ends };
}

describe("CRC-32C", () => {
  it.each([
    // RFC 3720, B.4
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
    [new TextEncoder().encode("123456789"), 0xe3069283],
  ])("has the values of RFC 3720", (bytes, crc) => expect(crc32c(bytes)).toBe(crc));

  it("goes on from where it left off", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        expect(crc32c(bytes, crc32c(bytes, 0, 0, at), at)).toBe(crc32c(bytes));
      }),
    );
  });
});

describe("the log", () => {
  const frames = [[entry(1), entry(2)], [entry(3)], [entry(4, 1, 600), entry(5), entry(6)]];

  it("comes back as it was written, over several segments", () => {
    const { files } = makeLog([[[entry(1)], [entry(2)]], [], [[entry(3)]]]);
    const log = recoverLog(files, start, expected);
    expect(log.entries).toEqual([entry(1), entry(2), entry(3)].map((one) => ({ ...one, data: Buffer.from(one.data) })));
    expect(log.hardState).toEqual(state(1, 0));
    expect(log.segments.map(({ lastIndex }) => lastIndex)).toEqual([2, 0, 3]);
    expect(log.cut).toBeUndefined();
  });

  it("keeps exactly the whole frames, wherever a crash cuts the end off", () => {
    const { files, ends } = makeLog([frames]);
    const whole = files[0]!.bytes;
    for (let size = ends[0]!; size <= whole.length; size++) {
      const log = recoverLog([{ ...files[0]!, bytes: whole.subarray(0, size) }], start, expected);
      const kept = ends.filter((end) => end <= size).length - 1;
      expect(log.entries.length, `cut at ${size}`).toBe(frames.slice(0, kept).flat().length);
      expect(log.cut?.sizeBytes, `cut at ${size}`).toBe(ends.includes(size) ? undefined : ends[kept]);
      expect(log.lastFrame!.position + log.lastFrame!.bytes.length).toBe(ends[kept]);
    }
  });

  it("cuts off a last frame of which some sector was never written, and only that", () => {
    const { files, ends } = makeLog([frames]);
    const torn = files[0]!.bytes.slice();
    torn.fill(0, 512, 1024);
    expect(ends[2]!).toBeLessThan(512);
    expect(recoverLog([{ ...files[0]!, bytes: torn }], start, expected).entries.length).toBe(3);
    const inside = makeLog([[[entry(1, 1, 2_000)], [entry(2)]]]);
    const hole = inside.files[0]!.bytes.slice();
    hole.fill(0, 512, 1024);
    expect(() => recoverLog([{ ...inside.files[0]!, bytes: hole }], start, expected)).toThrow(/damaged/);
  });

  it("takes zeros behind the last frame for room that was not used yet", () => {
    const { files } = makeLog([frames]);
    const log = recoverLog([{ ...files[0]!, bytes: join([files[0]!.bytes, new Uint8Array(4_096)]) }], start, expected);
    expect(log.entries.length).toBe(6);
    expect(log.cut).toBeUndefined();
  });

  it("refuses every single flipped bit, in whatever frame", () => {
    const { files } = makeLog([frames, [[entry(7)]]]);
    for (const [at, file] of files.entries()) {
      for (let position = 0; position < file.bytes.length; position++) {
        const bytes = file.bytes.slice();
        bytes[position]! ^= 1 << (position % 8);
        const damaged = files.map((one, index) => (index === at ? { ...one, bytes } : one));
        expect(() => recoverLog(damaged, start, expected), `bit in byte ${position}`).toThrow(
          expect.objectContaining({ code: "ETCD_CORRUPT" }),
        );
      }
    }
  });

  it("lets an entry with a lower index take the place of those behind it", () => {
    const { files } = makeLog([[[entry(1), entry(2), entry(3)], [entry(2, 2)]], [[entry(3, 2)]]]);
    const log = recoverLog(files, start, expected);
    expect(log.entries.map(({ index, term }) => [index, term])).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
    ]);
  });

  it("forgets what was overwritten, also when nothing was appended behind it", () => {
    const { files } = makeLog([[[entry(1), entry(2), entry(3)], [entry(2, 2)]]]);
    const log = recoverLog(files, start, expected);
    expect(log.entries.map(({ index, term }) => [index, term])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it.each([
    ["has another term at its end", { index: 2, term: 2 }, []],
    ["ends before it", { index: 9, term: 1 }, []],
    ["has its last entry", { index: 2, term: 1 }, [3, 4]],
  ] as const)("goes on behind a snapshot that it does not know of yet: %s", (_, mark, kept) => {
    const { files } = makeLog([[[entry(1), entry(2), entry(3), entry(4)]]]);
    const log = recoverLog(files, mark, expected);
    expect(log.entries.map(({ index }) => index)).toEqual(kept);
    // RaftLog refuses terms that go down, which is what a conflicting suffix would be.
    expect(new RaftLog(mark, log.entries).last).toBe(mark.index + kept.length);
    expect(log.hardState).toMatchObject(mark.term === 2 ? { term: 2, vote: 0 } : { term: 1, vote: 1 });
  });

  it.each([
    ["a segment is missing", (files: SegmentFile[]) => [files[0]!, files[2]!]],
    ["a segment has another's name", (files: SegmentFile[]) => [{ ...files[0]!, name: segmentName(9) }]],
    [
      "a frame is lost",
      (files: SegmentFile[]) => [{ ...files[0]!, bytes: files[0]!.bytes.subarray(0, -80) }, files[1]!],
    ],
    ["the first entries are missing", (files: SegmentFile[]) => files.slice(1)],
  ])("is refused where %s", (_, spoil) => {
    const { files } = makeLog([
      [
        [entry(1), entry(2)],
        [entry(3), entry(4)],
      ],
      [[entry(5)]],
      [[entry(6)]],
    ]);
    expect(() => recoverLog(spoil(files), start, expected)).toThrow(expect.objectContaining({ code: "ETCD_CORRUPT" }));
  });

  it("is refused where a frame is lost, also when what it held was overwritten later", () => {
    const { files } = makeLog([[[entry(1), entry(2)], [entry(3)]], [[entry(3, 2)]]]);
    const [first, second] = files;
    const { ends } = makeLog([[[entry(1), entry(2)], [entry(3)]]]);
    const shortened = { ...first!, bytes: first!.bytes.subarray(0, ends[1]) };
    expect(() => recoverLog([shortened, second!], start, expected)).toThrow(/does not go on from the segment before/);
  });

  it("is refused where a frame is torn although another segment follows", () => {
    const { files, ends } = makeLog([[[entry(1), entry(2)]], [[entry(3)]]]);
    const torn = makeLog([[[entry(1), entry(2)], [entry(3)]]]).files[0]!.bytes.subarray(0, -16);
    expect(torn.length).toBeGreaterThan(ends[1]!);
    expect(() => recoverLog([{ ...files[0]!, bytes: torn }, files[1]!], start, expected)).toThrow(/a frame is torn/);
  });

  it("is refused by another member, and says whose it is", () => {
    const { files } = makeLog([[[entry(1)]]]);
    expect(() => recoverLog(files, start, { ...expected, name: "etcd-1" })).toThrow(/belongs to etcd-0, member 1 of/);
  });

  it("is refused when a newer version wrote it, and says so", () => {
    const { files } = makeLog([[[entry(1)]]]);
    const bytes = files[0]!.bytes.slice();
    bytes[8] = 99;
    new DataView(bytes.buffer).setUint32(12, crc32c(bytes, 0, 0, 12), true);
    expect(() => recoverLog([{ ...files[0]!, bytes }], start, expected)).toThrow(/newer version of inkube \(format 99/);
  });

  it("goes on behind a snapshot, and is refused when the snapshot is missing", () => {
    const mark = { index: 10, term: 3 };
    const head = encodeSegment({ identity, sequence: 4, previousChain: 77 }, state(3, 10), mark);
    const writer = new ByteWriter();
    encodeRecords(writer, head.chain, state(3, 11), [entry(11, 3)]);
    const files = [{ name: segmentName(4), bytes: join([head.bytes, writer.take()]) }];
    expect(recoverLog(files, mark, expected).entries.map(({ index }) => index)).toEqual([11]);
    expect(() => recoverLog(files, start, expected)).toThrow(/snapshot of index 10 is missing/);
  });
});

describe("what the first release wrote", () => {
  const log = (text: string): SegmentFile[] => [{ name: segmentName(2), bytes: Buffer.from(text, "base64") }];
  const mark = { index: 3, term: 1 };
  const second = { ...expected, name: "etcd-1" };

  it("is read, the group being those of the options", () => {
    const wal =
      "aWstd2FsDQoBAAAAVb1OhBcAAAAwQgO4GBYWlAEKMzMxMzI5NDcyMQICYwQDAQICAwMAAKWlpaUKAAAAXZlPvFi8PRQCAgMEAAMCBAF4AAAAAAAApaWlpQ==";
    const read = recoverLog(log(wal), mark, second);
    const founding = membershipOf([1, 2, 3]);
    expect(read.identity).toEqual({ clusterId: "3313294721", memberId: 2, name: "etcd-1", founding });
    expect(groupId(names)).toBe("3313294721");
    expect(read.hardState).toEqual({ term: 2, vote: 3, commit: 4 });
    expect(read.entries).toEqual([{ term: 2, index: 4, type: "command", data: Buffer.from("x") }]);
    expect(read.isForgetful).toBe(false);
    const snapshot = Buffer.from("aWstc25wDQoBAAAATb/klQMBAwECAwBzdGF0ZQ==", "base64");
    const data = Buffer.from("state");
    expect(decodeSnapshot("s", snapshot, names)).toEqual({ index: 3, term: 1, membership: founding, data });
  });

  it("tells of a disk that had been lost and had no vote yet", () => {
    const wal =
      "aWstd2FsDQoBAAAAVb1OhBcAAAAwQgO4G5V9ZgEKMzMxMzI5NDcyMQICYwQDAQICAwMBAKWlpaUKAAAA8fZehIAgfGwCAgMEAQMCBAF4AAAAAAAApaWlpQ==";
    expect(recoverLog(log(wal), mark, second).isForgetful).toBe(true);
  });
});

describe("a snapshot file", () => {
  const snapshot = {
    index: 7,
    term: 2,
    membership: membershipOf([1, 2, 3]),
    data: new TextEncoder().encode("state"),
  };

  it("comes back as it was written", () => {
    expect(decodeSnapshot("s", Buffer.concat(encodeSnapshot(snapshot)), names)).toEqual({
      ...snapshot,
      data: Buffer.from("state"),
    });
  });

  it("is written in small pieces, however large what is in it", () => {
    const [large, small] = [new Uint8Array(5 * PIECE_BYTES + 7).fill(1), new Uint8Array(900).fill(2)];
    const blobs = [small, large, ...Array.from({ length: 400 }, () => small)];
    const file = new SnapshotWriter(snapshot);
    const whole = new ByteWriter();
    for (const blob of blobs) {
      whole.blob(blob);
      file.writer.blob(blob);
      if (file.writer.length >= PIECE_BYTES) file.cut();
    }
    const pieces = Array.from(file.finish(), (piece) => Buffer.from(piece));
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(PIECE_BYTES);
    const written = Buffer.concat(pieces);
    expect(written.equals(Buffer.concat(encodeSnapshot({ ...snapshot, data: whole.view() })))).toBe(true);
    expect(Buffer.compare(decodeSnapshot("s", written, names).data, whole.view())).toBe(0);
  });

  it("is refused with any bit flipped or any byte missing", () => {
    const file = Buffer.concat(encodeSnapshot(snapshot));
    for (let at = 0; at < file.length; at++) {
      const bytes = Uint8Array.from(file);
      bytes[at]! ^= 1 << (at % 8);
      expect(() => decodeSnapshot("s", bytes, names)).toThrow(expect.objectContaining({ code: "ETCD_CORRUPT" }));
      expect(() => decodeSnapshot("s", file.subarray(0, at), names)).toThrow(
        expect.objectContaining({ code: "ETCD_CORRUPT" }),
      );
    }
  });
});
