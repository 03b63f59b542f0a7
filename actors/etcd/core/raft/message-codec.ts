/**
 * Peer messages as bytes. Sender and receiver are not in them: the link vouches for both. So the bytes of an append are
 * the same for all followers at the same place, and are made once.
 */
import { ByteReader, ByteWriter, BytesError } from "../bytes.ts";
import { readMembership, writeMembership } from "./membership.ts";
import type { Entry, Message } from "./types.ts";

const KINDS = [
  "vote",
  "voteResponse",
  "append",
  "appendResponse",
  "appendReject",
  "heartbeat",
  "heartbeatResponse",
  "commit",
  "snapshot",
  "readIndex",
  "readIndexResponse",
  "timeoutNow",
  "removed",
] as const satisfies readonly Message["type"][];

/** What it keeps between two messages. */
const SCRATCH_BYTES = 16_384;
const scratch = new ByteWriter(SCRATCH_BYTES);

export function encodeMessage(message: Message): Uint8Array {
  scratch.clear(SCRATCH_BYTES);
  scratch.u8(KINDS.indexOf(message.type));
  scratch.varint(message.term);
  writeBody(scratch, message);
  return scratch.take();
}

function writeBody(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case "vote":
      writer.u8((message.preVote ? 1 : 0) | (message.transfer ? 2 : 0));
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      return;
    case "voteResponse":
      writer.u8((message.preVote ? 1 : 0) | (message.granted ? 2 : 0));
      return;
    case "append":
      writer.varint(message.previousIndex);
      writer.varint(message.previousTerm);
      writer.varint(message.commit);
      writer.varint(message.entries.length);
      for (const entry of message.entries) {
        writer.varint(entry.term);
        writer.bool(entry.type === "change");
        writer.blob(entry.data);
      }
      return;
    case "appendResponse":
      writer.varint(message.index);
      return;
    case "appendReject":
      writer.varint(message.rejected);
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      return;
    case "heartbeat":
      writer.varint(message.commit);
      writer.varint(message.round);
      return;
    case "heartbeatResponse":
      writer.varint(message.round);
      return;
    case "commit":
      writer.varint(message.commit);
      return;
    case "snapshot":
      writer.varint(message.snapshot.index);
      writer.varint(message.snapshot.term);
      writeMembership(writer, message.snapshot.membership);
      writer.blob(message.snapshot.data);
      return;
    case "readIndex":
      writer.varint(message.context);
      return;
    case "readIndexResponse":
      writer.varint(message.context);
      writer.varint(message.index);
      return;
    case "timeoutNow":
      return;
    case "removed":
      return;
  }
}

/** Throws `BytesError` for bytes that are no message. Entries are views into `bytes`. */
export function decodeMessage(bytes: Uint8Array, from: number, to: number): Message {
  const reader = new ByteReader(bytes);
  const type = KINDS[reader.u8()];
  if (type === undefined) throw new BytesError("unknown message type");
  const envelope = { from, to, term: reader.varint() };
  switch (type) {
    case "vote": {
      const flags = reader.u8();
      const [preVote, transfer] = [(flags & 1) !== 0, (flags & 2) !== 0];
      const [lastIndex, lastTerm] = [reader.varint(), reader.varint()];
      return { type, ...envelope, preVote, transfer, lastIndex, lastTerm };
    }
    case "voteResponse": {
      const flags = reader.u8();
      return { type, ...envelope, preVote: (flags & 1) !== 0, granted: (flags & 2) !== 0 };
    }
    case "append": {
      const previousIndex = reader.varint();
      const previousTerm = reader.varint();
      const commit = reader.varint();
      const entries = readEntries(reader, previousIndex);
      return { type, ...envelope, previousIndex, previousTerm, commit, entries };
    }
    case "appendResponse":
      return { type, ...envelope, index: reader.varint() };
    case "appendReject": {
      const [rejected, hintIndex, hintTerm] = [reader.varint(), reader.varint(), reader.varint()];
      return { type, ...envelope, rejected, hintIndex, hintTerm };
    }
    case "heartbeat": {
      const [commit, round] = [reader.varint(), reader.varint()];
      return { type, ...envelope, commit, round };
    }
    case "heartbeatResponse":
      return { type, ...envelope, round: reader.varint() };
    case "commit":
      return { type, ...envelope, commit: reader.varint() };
    case "snapshot": {
      const [index, term] = [reader.varint(), reader.varint()];
      const membership = readMembership(reader);
      return { type, ...envelope, snapshot: { index, term, membership, data: reader.blob() } };
    }
    case "readIndex":
      return { type, ...envelope, context: reader.varint() };
    case "readIndexResponse": {
      const [context, index] = [reader.varint(), reader.varint()];
      return { type, ...envelope, context, index };
    }
    case "timeoutNow":
      return { type, ...envelope };
    case "removed":
      return { type, ...envelope };
  }
}

function readEntries(reader: ByteReader, previousIndex: number): readonly Entry[] {
  const count = reader.varint();
  const entries: Entry[] = [];
  for (let at = 1; at <= count; at++) {
    const [term, isChange] = [reader.varint(), reader.bool()];
    entries.push({ term, index: previousIndex + at, type: isChange ? "change" : "command", data: reader.blob() });
  }
  return entries;
}
