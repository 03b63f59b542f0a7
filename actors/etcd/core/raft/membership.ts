/**
 * Who belongs to the group, and how that changes: by entries of the log, one at a time, each of which makes or unmakes one
 * voter at most, so that every majority before meets every majority after it (thesis 4.1). An entry counts from where it is
 * applied. Source: etcd-io/raft `confchange`, of which this is the simple case.
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { ByteReader as Reader, ByteWriter as Writer, BytesError } from "../bytes.ts";

export interface Peer {
  readonly id: number;
  /** Its actor's name. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Receives everything, counts for nothing. */
  readonly learner: boolean;
  /** The leader that it takes the place of someone for makes it a voter by itself, as soon as it has caught up. */
  readonly stands: boolean;
  /** Index of the entry that added it; 0 for those of the beginning. What is before comes to it by a snapshot only. */
  readonly since: number;
}

export interface Membership {
  /** By id. */
  readonly members: readonly Peer[];
  /** The largest id that was ever given: none is given twice. */
  readonly lastId: number;
}

export type Change =
  | { readonly type: "add"; readonly name: string; readonly peerUrls: readonly string[]; readonly learner: boolean }
  | { readonly type: "promote"; readonly id: number }
  | { readonly type: "remove"; readonly id: number }
  | { readonly type: "update"; readonly id: number; readonly peerUrls: readonly string[] }
  /** A learner takes the place of `id`, whose disk is lost, under the same name. */
  | { readonly type: "replace"; readonly id: number };

export type Refusal = "notFound" | "nameTaken" | "notLearner";
export type Changed =
  | { readonly membership: Membership; readonly peer: Peer; readonly refusal?: undefined }
  | { readonly refusal: Refusal };

/** Of a member that is to learn from a leader's snapshot where it belongs. */
export const NO_ONE: Membership = { members: [], lastId: 0 };

/** Who begins a group: all of them voters, with ids from 1 in the order of their names. */
export function foundingMembership(names: readonly string[]): Membership {
  const sorted = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
  const members = sorted.map((name, at) => founder(at + 1, name));
  return { members, lastId: members.length };
}

function founder(id: number, name: string): Peer {
  return { id, name, peerUrls: [peerUrl(name)], learner: false, stands: false, since: 0 };
}

export function peerUrl(name: string): string {
  return `http://${name}:2380`;
}

export function votersOf({ members }: Membership): readonly number[] {
  return members.flatMap(({ id, learner }) => (learner ? [] : [id]));
}

export function learnersOf({ members }: Membership): readonly number[] {
  return members.flatMap(({ id, learner }) => (learner ? [id] : []));
}

export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The group after `change`, which stands at `index` of the log. The same on all members. */
export function applyChange(before: Membership, change: Change, index: number): Changed {
  const { members, lastId } = before;
  if (change.type === "add") {
    const { name, peerUrls, learner } = change;
    if (members.some((one) => one.name === name)) return { refusal: "nameTaken" };
    const peer = { id: lastId + 1, name, peerUrls, learner, stands: false, since: index };
    return { membership: { members: [...members, peer], lastId: lastId + 1 }, peer };
  }
  const known = members.find(({ id }) => id === change.id);
  if (known === undefined) return { refusal: "notFound" };
  const others = members.filter((one) => one !== known);
  switch (change.type) {
    case "remove":
      return { membership: { members: others, lastId }, peer: known };
    case "promote":
      if (!known.learner) return { refusal: "notLearner" };
      return changed(before, { ...known, learner: false, stands: false });
    case "update":
      return changed(before, { ...known, peerUrls: change.peerUrls });
    case "replace": {
      const stands = !known.learner || known.stands;
      const peer = { ...known, id: lastId + 1, learner: true, stands, since: index };
      return { membership: { members: [...others, peer], lastId: lastId + 1 }, peer };
    }
  }
}

function changed({ members, lastId }: Membership, peer: Peer): Changed {
  return { membership: { members: members.map((one) => (one.id === peer.id ? peer : one)), lastId }, peer };
}

// ---- as bytes -------------------------------------------------------------------------------------------------------

const CHANGES = ["add", "promote", "remove", "update", "replace"] as const satisfies readonly Change["type"][];

export function encodeChange(change: Change): Uint8Array {
  const writer = new Writer();
  writer.u8(CHANGES.indexOf(change.type));
  if (change.type === "add") {
    writer.text(change.name);
    writer.bool(change.learner);
  } else {
    writer.varint(change.id);
  }
  if (change.type === "add" || change.type === "update") writeTexts(writer, change.peerUrls);
  return writer.take();
}

/** Throws `BytesError` for bytes that are no change. */
export function decodeChange(bytes: Uint8Array): Change {
  const reader = new Reader(bytes);
  const type = CHANGES[reader.u8()];
  if (type === undefined) throw new BytesError("unknown change of the membership");
  switch (type) {
    case "add": {
      const [name, learner] = [reader.text(), reader.bool()];
      return { type, name, learner, peerUrls: readTexts(reader) };
    }
    case "update":
      return { type, id: reader.varint(), peerUrls: readTexts(reader) };
    case "promote":
    case "remove":
    case "replace":
      return { type, id: reader.varint() };
  }
}

export function writeMembership(writer: ByteWriter, { members, lastId }: Membership): void {
  writer.varint(lastId);
  writer.varint(members.length);
  for (const { id, name, peerUrls, learner, stands, since } of members) {
    writer.varint(id);
    writer.text(name);
    writeTexts(writer, peerUrls);
    writer.u8((learner ? 1 : 0) | (stands ? 2 : 0));
    writer.varint(since);
  }
}

export function readMembership(reader: ByteReader): Membership {
  const lastId = reader.varint();
  const members: Peer[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const [id, name, peerUrls, flags] = [reader.varint(), reader.text(), readTexts(reader), reader.u8()];
    const [learner, stands] = [(flags & 1) !== 0, (flags & 2) !== 0];
    members.push({ id, name, peerUrls, learner, stands, since: reader.varint() });
  }
  return { members, lastId };
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.varint(texts.length);
  for (const text of texts) writer.text(text);
}

function readTexts(reader: ByteReader): readonly string[] {
  const texts: string[] = [];
  for (let left = reader.varint(); left > 0; left--) texts.push(reader.text());
  return texts;
}
