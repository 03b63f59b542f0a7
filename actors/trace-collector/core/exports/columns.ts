/**
 * A record as few bytes, for the page: what all events have of one field stands together as patch from the event before,
 * so that it deflates to some bytes an event; texts stand once; an object is told by what each write changed of it.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import type { ObjectChange, TraceContents, TraceGap, TraceRecord } from "../record.ts";
import type { FieldPath } from "./patches.ts";
import { patchBetween, patched } from "./patches.ts";

/** Raised when older pages can't read what this writes. */
const VERSION = 1;

interface Head {
  readonly version: number;
  readonly count: number;
  readonly texts: readonly string[];
  readonly gaps: readonly TraceGap[];
  readonly changes: readonly PackedChange[];
}

/** Revision since the one before, subject, and the object: whole, what changed of it, or nothing when it is gone. */
type PackedChange = readonly [revision: number, subject: number, object?: unknown, patch?: readonly PackedField[]];
type PackedField = readonly [path: FieldPath, after?: unknown];

export function packed({ events, gaps, changes }: TraceRecord): Uint8Array {
  const texts = new Texts();
  const columns = Array.from({ length: COLUMNS }, () => new Numbers());
  const [actors, sequences, lamports, times, kinds, subjects, peers, causeActors, causes, details] =
    columns as unknown as Columns<Numbers>;
  const newest = new Map<string, number>();
  let lamport = 0;
  for (const event of events) {
    const { actor, sequence } = event;
    actors.add(texts.of(actor));
    sequences.addSigned(sequence - (newest.get(actor) ?? 0));
    newest.set(actor, sequence);
    lamports.addSigned(event.lamport - lamport);
    lamport = event.lamport;
    times.addSigned(Math.round(event.timeMs * 1_000) - lamport);
    kinds.add(texts.of(event.kind));
    subjects.add(texts.of(event.subject));
    peers.add(texts.of(event.peer));
    const [causeActor, causeSequence] = splitCause(event.cause);
    causeActors.add(texts.of(causeActor));
    causes.add(causeSequence === undefined ? 0 : 1 + unsigned((newest.get(causeActor) ?? 0) - causeSequence));
    details.add(texts.of(event.detail));
  }
  // They have texts of their own, which must be among all.
  const written = packedChanges(changes, texts);
  const head: Head = { version: VERSION, count: events.length, texts: texts.all, gaps, changes: written };
  const encoded = new TextEncoder().encode(JSON.stringify(head));
  const length = new Numbers();
  length.add(encoded.length);
  return joined([length.bytes(), encoded, ...columns.map((column) => column.bytes())]);
}

/** Throws when they are of another version, or cut. */
export function unpacked(bytes: Uint8Array): TraceContents {
  const reader = new Reader(bytes);
  const { version, count, texts, gaps, changes } = JSON.parse(
    new TextDecoder().decode(reader.take(reader.next())),
  ) as Head;
  if (version !== VERSION) throw new Error(`this page reads version ${VERSION} of a record, and it is of ${version}`);
  const columns = Array.from({ length: COLUMNS }, () => Array.from({ length: count }, () => reader.next()));
  const [actors, sequences, lamports, times, kinds, subjects, peers, causeActors, causes, details] =
    columns as unknown as Columns<number[]>;
  const textAt = (column: readonly number[], index: number): string => texts[column[index]!] ?? "";
  const newest = new Map<string, number>();
  const events: TraceEvent[] = [];
  let lamport = 0;
  for (let index = 0; index < count; index++) {
    const actor = textAt(actors, index);
    const sequence = (newest.get(actor) ?? 0) + signed(sequences[index]!);
    newest.set(actor, sequence);
    lamport += signed(lamports[index]!);
    const causeActor = textAt(causeActors, index);
    const cause = causes[index]!;
    events.push({
      actor,
      sequence,
      lamport,
      timeMs: (lamport + signed(times[index]!)) / 1_000,
      kind: textAt(kinds, index),
      subject: textAt(subjects, index),
      peer: textAt(peers, index),
      cause: cause === 0 ? causeActor : `${causeActor}#${(newest.get(causeActor) ?? 0) - signed(cause - 1)}`,
      detail: textAt(details, index),
    });
  }
  return { events, gaps, changes: unpackedChanges(changes, texts) };
}

const COLUMNS = 10;
type Columns<T> = readonly [T, T, T, T, T, T, T, T, T, T];

/** Actor and sequence; the whole text and nothing when it names no event, or an event so that it would not come back. */
function splitCause(cause: string): readonly [string, number | undefined] {
  const at = cause.lastIndexOf("#");
  const sequence = Number(cause.slice(at + 1));
  return at < 0 || !Number.isSafeInteger(sequence) || String(sequence) !== cause.slice(at + 1)
    ? [cause, undefined]
    : [cause.slice(0, at), sequence];
}

function packedChanges(changes: readonly ObjectChange[], texts: Texts): readonly PackedChange[] {
  const newest = new Map<string, unknown>();
  let before = 0;
  return changes.map(({ revision, subject, object }) => {
    const since = revision - before;
    before = revision;
    const known = newest.get(subject);
    const now = object === undefined ? undefined : shown(object);
    newest.set(subject, now);
    if (now === undefined) return [since, texts.of(subject)];
    if (known === undefined) return [since, texts.of(subject), now];
    const patch = patchBetween(known, now).map(({ path, after }): PackedField =>
      after === undefined ? [path] : [path, after],
    );
    return [since, texts.of(subject), 0, patch];
  });
}

function unpackedChanges(changes: readonly PackedChange[], texts: readonly string[]): readonly ObjectChange[] {
  const newest = new Map<string, unknown>();
  let revision = 0;
  return changes.map(([since, index, whole, patch]) => {
    revision += since;
    const subject = texts[index] ?? "";
    const object =
      patch === undefined
        ? whole
        : patched(
            newest.get(subject),
            patch.map(([path, after]) => ({ path, after })),
          );
    newest.set(subject, object);
    return { revision, subject, object: object as KubernetesObject | undefined };
  });
}

/** Who manages which field is half of an object, and nothing that anybody looks at. */
function shown({ metadata, ...rest }: KubernetesObject): KubernetesObject {
  if (metadata?.managedFields === undefined) return metadata === undefined ? rest : { ...rest, metadata };
  const { managedFields: _, ...others } = metadata;
  return { ...rest, metadata: others };
}

class Texts {
  private readonly indices = new Map<string, number>([["", 0]]);

  of(text: string): number {
    const known = this.indices.get(text);
    if (known !== undefined) return known;
    this.indices.set(text, this.indices.size);
    return this.indices.size - 1;
  }

  get all(): readonly string[] {
    return [...this.indices.keys()];
  }
}

/** Whole numbers of up to 53 bits, seven of them a byte, the least first. */
class Numbers {
  private buffer = new Uint8Array(1_024);
  private length = 0;

  add(value: number): void {
    if (this.length + 10 > this.buffer.length) {
      const larger = new Uint8Array(this.buffer.length * 2);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  addSigned(value: number): void {
    this.add(unsigned(value));
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

function unsigned(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function signed(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error("the record is cut");
      if (byte < 128) return value + byte * factor;
      value += (byte - 128) * factor;
    }
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
