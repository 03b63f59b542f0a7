/**
 * What clients were told, against the sequence of revisions: a write that was acknowledged is there, with what was written
 * and at the revision that was said; what was refused is nowhere; of two writes that start from one state only one
 * succeeds; and whoever asks after an acknowledgement sees what was acknowledged. As revisions are a total order, this
 * is linearizability for registers, and it needs no search.
 */
import { broken } from "./broken.ts";
import type { RevisionLog } from "./revision-log.ts";

export interface Write {
  readonly client: string;
  readonly key: string;
  /** Unlike that of any other write; undefined: a deletion. */
  readonly value: string | undefined;
  /** The write was to happen only if this was the key's revision then; 0: only if there was none. */
  readonly expected?: number;
  /** The newest revision that anybody had been told of when it began. */
  readonly floor: number;
  /** What it was told: a revision, that it was not carried out, or nothing that says so. */
  readonly outcome: number | "refused" | "unknown";
}

export interface Read {
  readonly client: string;
  readonly key: string;
  readonly floor: number;
  /** Of the version that was read; 0: there was none. */
  readonly revision: number;
  readonly value: string | undefined;
}

export type ValueOf = (bytes: Uint8Array) => string | undefined;

export class ClientHistory {
  readonly writes: Write[] = [];
  readonly reads: Read[] = [];
  /** The newest revision that anybody has been told of. */
  floor = 0;

  wrote(write: Write): void {
    this.writes.push(write);
    if (typeof write.outcome === "number") this.floor = Math.max(this.floor, write.outcome);
  }

  read(read: Read): void {
    this.reads.push(read);
    this.floor = Math.max(this.floor, read.revision);
  }

  /** Errors: PROMISE_BROKEN. `log` must have come to `floor`. */
  check(log: RevisionLog, valueOf: ValueOf): void {
    for (const write of this.writes) checkWrite(write, log, valueOf);
    this.checkRefused(log, valueOf);
    for (const read of this.reads) checkRead(read, log, valueOf);
  }

  private checkRefused(log: RevisionLog, valueOf: ValueOf): void {
    const refused = new Map<string, Write>();
    for (const write of this.writes) {
      if (write.outcome === "refused" && write.value !== undefined) refused.set(write.value, write);
    }
    if (refused.size === 0) return;
    const keys = new Set([...refused.values()].map(({ key }) => key));
    for (const key of keys) {
      for (let at = log.changeAfter(key, 0); at !== undefined; at = log.changeAfter(key, at)) {
        const event = log.eventAt(key, at);
        const value = event?.type === "put" ? valueOf(event.kv.value) : undefined;
        const write = value === undefined ? undefined : refused.get(value);
        if (write !== undefined) throw broken(`${nameOf(write)} was refused, but is there at revision ${at}`);
      }
    }
  }
}

function checkWrite(write: Write, log: RevisionLog, valueOf: ValueOf): void {
  const { key, value, outcome, expected, floor } = write;
  if (typeof outcome !== "number" || log.at(outcome) === undefined) return;
  const event = log.eventAt(key, outcome);
  const written = event?.type === "put" ? valueOf(event.kv.value) : undefined;
  if (event === undefined || written !== value) {
    throw broken(`${nameOf(write)} was acknowledged at revision ${outcome}, which has ${written ?? "nothing"} there`);
  }
  if (outcome <= floor) {
    throw broken(`${nameOf(write)} got revision ${outcome}, but ${floor} had been told of before it began`);
  }
  if (expected === undefined || !log.isWhole(expected, outcome)) return;
  const before = log.changeBefore(key, outcome);
  const isAbsent = before === undefined || log.eventAt(key, before)?.type === "delete";
  if (expected === 0 ? !isAbsent : before !== expected) {
    throw broken(`${nameOf(write)} succeeded at ${outcome} from revision ${expected}, but ${before} came between`);
  }
}

function checkRead(read: Read, log: RevisionLog, valueOf: ValueOf): void {
  const { client, key, floor, revision, value } = read;
  const what = `${client} read ${key} at revision ${revision}`;
  const event = revision === 0 ? undefined : log.eventAt(key, revision);
  if (revision !== 0 && log.at(revision) !== undefined) {
    const written = event?.type === "put" ? valueOf(event.kv.value) : undefined;
    if (written !== value) throw broken(`${what}: ${value}, but ${written ?? "nothing"} was written there`);
  }
  if (revision === 0) return checkAbsent(read, log);
  const next = log.changeAfter(key, revision);
  if (next !== undefined && next <= floor) {
    throw broken(`${what}, which is stale: ${next} had changed it, and ${floor} had been told of before`);
  }
}

/** The key may be absent if it was so at some revision from the floor on. */
function checkAbsent({ client, key, floor }: Read, log: RevisionLog): void {
  let last = 0;
  for (let at = log.changeAfter(key, 0); at !== undefined; at = log.changeAfter(key, at)) {
    if (at > floor) {
      if (log.eventAt(key, at)?.type === "delete") return;
      continue;
    }
    last = at;
  }
  if (last !== 0 && log.eventAt(key, last)?.type === "put") {
    throw broken(`${client} found no ${key}, but revision ${last} wrote it, and ${floor} had been told of before`);
  }
}

function nameOf({ client, key, value }: Write): string {
  return `${client}'s ${value === undefined ? `deletion of ${key}` : `write of ${value} to ${key}`}`;
}
