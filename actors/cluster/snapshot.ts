/**
 * A cluster at one revision, as bytes: magic, format version, CRC-32C of all the rest, then JSON of who the cluster is (the keys
 * among it that sign its tokens and certificates), and etcd's state. Secrets and keys lie in it as they do in a data directory.
 */
import { ByteReader, ByteWriter, BytesError } from "../etcd/core/bytes.ts";
import { decodeStore, encodeStore } from "../etcd/core/mvcc/state-codec.ts";
import { reworded, withoutPast } from "../etcd/core/mvcc/without-past.ts";
import { crc32c } from "../etcd/core/wal/crc32c.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { KeyValue } from "../../protocols/etcd.ts";
import type { Identity } from "./io/identity.ts";

const MAGIC: readonly number[] = [0x69, 0x6b, 0x2d, 0x63, 0x6c, 0x73, 0x0d, 0x0a]; // "ik-cls\r\n"
/** Raised when an older inkube could not read what this one writes. */
export const SNAPSHOT_FORMAT = 1;
const CRC_AT = 12;
const BODY_AT = 16;

export interface ClusterSnapshot {
  readonly identity: Identity;
  /** The slot of loopback addresses that the addresses in the state are of. */
  readonly slot: number;
  /** The newest revision in it. */
  readonly revision: number;
  /** As `encodeStore` makes it. */
  readonly state: Uint8Array;
}

type Head = Omit<ClusterSnapshot, "state">;

/** `state` as a member of etcd has told it; its past is left out. Throws where the state does not have the hash that it was written with. */
export function encodeClusterSnapshot(state: Uint8Array, identity: Identity, slot: number): Uint8Array {
  const store = withoutPast(decodeStore(state));
  const writer = new ByteWriter(state.length + 16_384);
  for (const byte of MAGIC) writer.u8(byte);
  writer.u32(SNAPSHOT_FORMAT);
  writer.u32(0);
  writer.text(JSON.stringify({ identity, slot, revision: store.revision } satisfies Head));
  writer.raw(encodeStore(store));
  writer.patchU32(CRC_AT, crcOf(writer.view()));
  return writer.take();
}

/** Errors: SNAPSHOT_DAMAGED, SNAPSHOT_NEWER. */
export function decodeClusterSnapshot(bytes: Uint8Array): ClusterSnapshot {
  if (bytes.length < BODY_AT || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw damaged("it does not begin as a snapshot of inkube's");
  }
  const reader = new ByteReader(bytes, MAGIC.length);
  const format = reader.u32();
  if (format > SNAPSHOT_FORMAT) {
    throw new InkubeError(
      "SNAPSHOT_NEWER",
      `the snapshot was written by a newer inkube (format ${format}, this one knows ${SNAPSHOT_FORMAT}); use that version`,
    );
  }
  if (reader.u32() !== crcOf(bytes)) throw damaged("its checksum does not fit its content");
  try {
    const head = JSON.parse(reader.text()) as Head;
    return { ...head, state: reader.rest() };
  } catch (error) {
    if (error instanceof BytesError || error instanceof SyntaxError) throw damaged(error.message);
    throw error;
  }
}

/** The state for a cluster with the addresses of `slot`: whatever names an address of the old slot names the new one's. */
export function stateInSlot(snapshot: ClusterSnapshot, slot: number): Uint8Array {
  if (slot === snapshot.slot) return snapshot.state;
  return encodeStore(reworded(decodeStore(snapshot.state), movedAddresses(snapshot.slot, slot)));
}

/** Every key with its value, for a cluster with the addresses of `slot`. */
export function objectsIn(snapshot: ClusterSnapshot, slot: number): Map<string, KeyValue> {
  const { kvs } = decodeStore(stateInSlot(snapshot, slot)).range({ key: "\0", rangeEnd: "\0" });
  return new Map(kvs.map((kv) => [kv.key, kv]));
}

/** The three ranges of `addresses.ts`; a slot's pods have the second half of theirs in the next one's. */
function movedAddresses(from: number, to: number): (text: string) => string {
  const moved = new Map(
    [64 + from, 65 + from, 128 + from, 192 + from].map((old) => [String(old), String(old - from + to)]),
  );
  const address = /(?<![\d.])127\.(\d{2,3})(?=\.\d{1,3}\.\d{1,3}(?![\d.]*\d))/g;
  return (text) =>
    text.replace(address, (whole, second: string) => {
      const now = moved.get(second);
      return now === undefined ? whole : `127.${now}`;
    });
}

function crcOf(bytes: Uint8Array): number {
  return crc32c(bytes, crc32c(bytes, 0, 0, CRC_AT), BODY_AT);
}

function damaged(what: string): InkubeError {
  return new InkubeError("SNAPSHOT_DAMAGED", `the snapshot is damaged, or none: ${what}; take another copy of it`);
}
