/** A snapshot as a file: magic, format version, CRC-32C of all the rest, then what it stands for and the state. */
import { ByteReader, ByteWriter, BytesError } from "../bytes.ts";
import { etcdError } from "../mvcc/errors.ts";
import { readMembership, writeMembership } from "../raft/message-codec.ts";
import type { Snapshot, SnapshotMeta } from "../raft/types.ts";
import { crc32c } from "./crc32c.ts";
import { corrupt } from "./segment.ts";

const MAGIC: readonly number[] = [0x69, 0x6b, 0x2d, 0x73, 0x6e, 0x70, 0x0d, 0x0a]; // "ik-snp\r\n"
export const SNAPSHOT_FORMAT_VERSION = 1;
const CRC_AT = 12;
const BODY_AT = 16;

export function snapshotName(snapshot: { readonly index: number }): string {
  return `${String(snapshot.index).padStart(16, "0")}.snapshot`;
}

/** Undefined for a file that is no snapshot. */
export function snapshotIndex(name: string): number | undefined {
  return /^\d{16}\.snapshot$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** Writes a snapshot file piece by piece, its checksum with it. */
export class SnapshotWriter {
  readonly writer: ByteWriter;
  private crc: number;
  private checked = BODY_AT;

  /** The state itself is written to `writer` next. */
  constructor(meta: SnapshotMeta, dataBytesMax: number) {
    const writer = new ByteWriter(128 + dataBytesMax);
    for (const byte of MAGIC) writer.u8(byte);
    writer.u32(SNAPSHOT_FORMAT_VERSION);
    writer.u32(0);
    writer.varint(meta.index);
    writer.varint(meta.term);
    writeMembership(writer, meta.membership);
    this.writer = writer;
    this.crc = crc32c(writer.view(), 0, 0, CRC_AT);
  }

  /** Takes what was written so far into the checksum. */
  check(): void {
    this.crc = crc32c(this.writer.view(), this.crc, this.checked);
    this.checked = this.writer.length;
  }

  /** The whole file. */
  finish(): Uint8Array {
    this.check();
    this.writer.patchU32(CRC_AT, this.crc);
    return this.writer.view();
  }
}

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const file = new SnapshotWriter(snapshot, snapshot.data.length);
  file.writer.raw(snapshot.data);
  return file.finish();
}

/** Errors: ETCD_CORRUPT. A snapshot is renamed into place when it is whole, so a torn one is damage too. */
export function decodeSnapshot(name: string, bytes: Uint8Array): Snapshot {
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
    return { index, term, membership: readMembership(reader), data: reader.rest() };
  } catch (error) {
    if (error instanceof BytesError) throw corrupt(name, BODY_AT, error.message);
    throw error;
  }
}
