/** A snapshot as a file: magic, format version, CRC-32C of all the rest, then what it stands for and the state. */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { keepBytes } from "../../../../protocols/kept-bytes.ts";
import { ByteReader, ByteWriter, BytesError } from "../bytes.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { Membership } from "../raft/membership.ts";
import { foundingMembership, readMembership, writeMembership } from "../raft/membership.ts";
import type { Snapshot, SnapshotMeta } from "../raft/types.ts";
import { crc32c } from "./crc32c.ts";
import { corrupt } from "./segment.ts";

const MAGIC: readonly number[] = [0x69, 0x6b, 0x2d, 0x73, 0x6e, 0x70, 0x0d, 0x0a]; // "ik-snp\r\n"
export const SNAPSHOT_FORMAT_VERSION = 2;
/** Held ids only; the group's options told the names. */
const WITHOUT_NAMES = 1;
const CRC_AT = 12;
const BODY_AT = 16;
/** Far below the 128 KB from which on malloc takes memory from the system for each buffer. */
export const PIECE_BYTES = 65_536;
/** A piece, and what the last record in it is longer. */
const WRITER_BYTES = 1.5 * PIECE_BYTES;

export function snapshotName(snapshot: { readonly index: number }): string {
  return `${String(snapshot.index).padStart(16, "0")}.snapshot`;
}

/** Undefined for a file that is no snapshot. */
export function snapshotIndex(name: string): number | undefined {
  return /^\d{16}\.snapshot$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/**
 * Writes a snapshot file in pieces, its checksum with it. No buffer is larger than a piece: memory that malloc has given out
 * in megabytes, and got back, makes it keep megabytes for itself from then on, in each of its arenas (mallopt(3),
 * M_MMAP_THRESHOLD). So pieces wait in V8's heap until all are there.
 */
export class SnapshotWriter {
  /** For the state, which is written next; what is not cut off yet. */
  readonly writer: ByteWriter = new ByteWriter(WRITER_BYTES);
  private readonly head: ByteWriter = beginFile();
  private readonly pieces: KeptBytes[] = [];
  private crc: number;

  constructor(meta: SnapshotMeta) {
    this.crc = crc32c(this.head.view(), 0, 0, CRC_AT);
    writeMeta(this.writer, meta);
  }

  /** Ends a piece. Called whenever about `PIECE_BYTES` are written. */
  cut(): void {
    const piece = this.writer.view();
    this.crc = crc32c(piece, this.crc);
    this.pieces.push(keepBytes(piece));
    this.writer.clear(WRITER_BYTES);
  }

  /** The whole file, `PIECE_BYTES` at a time at most, each of them valid until the next is taken. */
  *finish(): Generator<Uint8Array, void, undefined> {
    this.cut();
    this.head.patchU32(CRC_AT, this.crc);
    yield this.head.view();
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (const piece of this.pieces) {
      for (let at = 0; at < piece.length; at += PIECE_BYTES) {
        yield buffer.subarray(0, buffer.write(piece.slice(at, at + PIECE_BYTES), "latin1"));
      }
    }
  }
}

/** The whole file, of which the state, large and at hand already, is one piece. */
export function encodeSnapshot(snapshot: Snapshot): readonly Uint8Array[] {
  const head = beginFile();
  const meta = new ByteWriter();
  writeMeta(meta, snapshot);
  const crc = crc32c(meta.view(), crc32c(head.view(), 0, 0, CRC_AT));
  head.patchU32(CRC_AT, crc32c(snapshot.data, crc));
  return [head.view(), meta.view(), snapshot.data];
}

function beginFile(): ByteWriter {
  const head = new ByteWriter(BODY_AT);
  for (const byte of MAGIC) head.u8(byte);
  head.u32(SNAPSHOT_FORMAT_VERSION);
  head.u32(0);
  return head;
}

function writeMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  writer.varint(meta.index);
  writer.varint(meta.term);
  writeMembership(writer, meta.membership);
}

/**
 * `names` of the group's members, for what was written before a snapshot told them. A snapshot is renamed into place when it is
 * whole, so a torn one is damage too. Errors: ETCD_CORRUPT.
 */
export function decodeSnapshot(name: string, bytes: Uint8Array, names: readonly string[]): Snapshot {
  if (bytes.length < BODY_AT || MAGIC.some((byte, at) => bytes[at] !== byte)) throw corrupt(name, 0, "its beginning");
  const reader = new ByteReader(bytes, MAGIC.length);
  const version = reader.u32();
  if (version > SNAPSHOT_FORMAT_VERSION) {
    throw etcdError(
      "ETCD_CORRUPT",
      { file: name, version },
      `${name} was written by a newer version of inkube (format ${version}, this one reads ${SNAPSHOT_FORMAT_VERSION}); use that version, or another data directory`,
    );
  }
  if (reader.u32() !== crc32c(bytes, crc32c(bytes, 0, 0, CRC_AT), BODY_AT)) throw corrupt(name, BODY_AT, "its content");
  try {
    const [index, term] = [reader.varint(), reader.varint()];
    const membership = version === WITHOUT_NAMES ? oldMembership(reader, names) : readMembership(reader);
    return { index, term, membership, data: reader.rest() };
  } catch (error) {
    if (error instanceof BytesError) throw corrupt(name, BODY_AT, error.message);
    throw error;
  }
}

/** Nobody could be added or removed: those of the beginning. */
function oldMembership(reader: ByteReader, names: readonly string[]): Membership {
  for (let lists = 2; lists > 0; lists--) for (let left = reader.varint(); left > 0; left--) reader.varint();
  return foundingMembership(names);
}
