/**
 * What clients of etcd asked for and were told, with the order of the log as witness that it is linearizable: a write's
 * place is its revision, and that of a read, or of a comparison that failed, is right after the revision of its answer.
 * All that is left to look at is whether each answer is that of its place, and whether whoever began after another one had
 * ended comes after it. A write of which nobody knows what became of it is found in the log by its value, once or never.
 *
 * Linear in the number of operations but for sorting, where a search for an order is exponential.
 *
 * @see Herlihy and Wing, "Linearizability" (1990); etcd's robustness tests read the log for the same reason
 */
import { broken } from "./broken.ts";
import type { Version } from "./replay.ts";
import { Replay } from "./replay.ts";
import type { RevisionLog } from "./revision-log.ts";

export type Request =
  /** The value is unlike that of any other write. */
  | { readonly type: "put"; readonly key: string; readonly value: string }
  /** Writes, or deletes where there is no value, if `expected` is the key's revision (0: if there is no such key). */
  | {
      readonly type: "swap";
      readonly key: string;
      readonly expected: number;
      readonly expectedValue: string | undefined;
      readonly value: string | undefined;
    }
  | { readonly type: "get"; readonly key: string }
  /** All keys that begin so. */
  | { readonly type: "list"; readonly prefix: string }
  /** The same as of an older revision, or from the member's own state, which may be behind: both take no place in the order. */
  | { readonly type: "past"; readonly prefix: string; readonly revision?: number };

export type Found = { readonly key: string } & Version;

export type Answer =
  | { readonly type: "written"; readonly revision: number }
  /** A swap whose comparison failed. */
  | { readonly type: "differs"; readonly revision: number }
  | { readonly type: "found"; readonly revision: number; readonly kvs: readonly Found[] }
  /** Nothing was carried out. */
  | { readonly type: "refused" }
  /** It may have been carried out, or may be yet. */
  | { readonly type: "unknown" };

export interface Operation {
  readonly client: string;
  readonly request: Request;
  /** A member had told of this revision when it began. */
  readonly floor: number;
  /** Places in the order of all beginnings and ends; an end at Infinity has not come. */
  readonly began: number;
  readonly ended: number;
  readonly answer: Answer;
}

const decoder = new TextDecoder();

export class EtcdHistory {
  readonly operations: Operation[] = [];
  /** The newest revision that a client was told of. */
  floor = 0;
  private time = 0;

  /** `seen`: the newest revision that anybody knows of. The end is to be told by what comes back. */
  begins(client: string, request: Request, seen: number): (answer: Answer) => void {
    const began = this.time++;
    const floor = Math.max(seen, this.floor);
    return (answer) => {
      const ended = answer.type === "unknown" ? Infinity : this.time++;
      this.operations.push({ client, request, floor, began, ended, answer });
      if ("revision" in answer) this.floor = Math.max(this.floor, answer.revision);
    };
  }

  /** Errors: PROMISE_BROKEN. `log` must have come to `floor`. */
  check(log: RevisionLog): void {
    checkByWitness(this.operations, new Replay(log), log);
  }
}

/** The same of a history that is whole. Errors: PROMISE_BROKEN. */
export function checkByWitness(operations: readonly Operation[], replay: Replay, log: RevisionLog): void {
  const witness = new Witness(operations, replay, log);
  for (const operation of operations) witness.checkAnswer(operation);
  witness.checkEffects();
  witness.checkOrder();
}

class Witness {
  private readonly operations: readonly Operation[];
  private readonly replay: Replay;
  private readonly log: RevisionLog;
  /** Which operation made a revision of a key. */
  private readonly makers = new Map<string, Operation>();
  /** Places in the log of those that were carried out: twice the revision, and one more for what comes right after it. */
  private readonly places = new Map<Operation, number>();

  constructor(operations: readonly Operation[], replay: Replay, log: RevisionLog) {
    this.operations = operations;
    this.replay = replay;
    this.log = log;
  }

  checkAnswer(operation: Operation): void {
    const { request, answer } = operation;
    switch (answer.type) {
      case "written":
        this.places.set(operation, 2 * answer.revision);
        return this.checkWritten(operation, answer.revision);
      case "differs":
        this.places.set(operation, 2 * answer.revision + 1);
        return this.checkDiffers(operation, answer.revision);
      case "found":
        if (request.type === "past") {
          return this.checkList(operation, request.prefix, request.revision ?? answer.revision, answer.kvs);
        }
        this.places.set(operation, 2 * answer.revision + 1);
        return request.type === "list"
          ? this.checkList(operation, request.prefix, answer.revision, answer.kvs)
          : this.checkFound(operation, request.key, answer.revision, answer.kvs[0]);
      case "refused":
      case "unknown":
    }
  }

  private checkWritten(operation: Operation, revision: number): void {
    const { request } = operation;
    if (request.type !== "put" && request.type !== "swap") throw broken(`${nameOf(operation)} was told as a write`);
    if (this.replay.hasGap(revision - 1, revision)) return;
    const event = this.log.eventAt(request.key, revision);
    const written = event?.type === "put" ? decoder.decode(event.kv.value) : undefined;
    if (event === undefined || written !== request.value) {
      throw broken(`${nameOf(operation)} was acknowledged at revision ${revision}, which has ${written ?? "nothing"}`);
    }
    this.claim(operation, request.key, revision);
  }

  private claim(operation: Operation, key: string, revision: number): void {
    const name = `${revision} ${key}`;
    const other = this.makers.get(name);
    if (other !== undefined) throw broken(`${nameOf(operation)} and ${nameOf(other)} are both revision ${revision}`);
    this.makers.set(name, operation);
    const { request } = operation;
    if (request.type !== "swap") return;
    const before = this.replay.at(key, revision - 1);
    if (before === "unknown" || (before?.modRevision ?? 0) === request.expected) return;
    const was = before?.modRevision ?? 0;
    throw broken(`${nameOf(operation)} went from revision ${request.expected} to ${revision}, but ${was} was there`);
  }

  private checkDiffers(operation: Operation, revision: number): void {
    const { request } = operation;
    if (request.type !== "swap") throw broken(`${nameOf(operation)} was told as a comparison`);
    const found = this.replay.at(request.key, revision);
    if (found === "unknown" || (found?.modRevision ?? 0) !== request.expected) return;
    throw broken(
      `${nameOf(operation)} was told at revision ${revision} that ${request.expected} is not there, but it was`,
    );
  }

  private checkFound(operation: Operation, key: string, revision: number, found: Version | undefined): void {
    const wanted = this.replay.at(key, revision);
    if (wanted === "unknown") return;
    const [is, was] = [textOf(found), textOf(wanted)];
    if (is !== was)
      throw broken(`${nameOf(operation)} at revision ${revision} found ${is} at ${key}, where ${was} was`);
  }

  private checkList(operation: Operation, prefix: string, revision: number, kvs: readonly Found[]): void {
    const found = new Map(kvs.map((kv) => [kv.key, kv]));
    for (const key of this.replay.everyKey) {
      if (!key.startsWith(prefix)) continue;
      this.checkFound(operation, key, revision, found.get(key));
      found.delete(key);
    }
    for (const key of found.keys()) throw broken(`${nameOf(operation)} found ${key}, which nobody wrote`);
  }

  /** Every change of the clients' keys is one client's, who may have been told so, and nobody's twice. */
  checkEffects(): void {
    const writes = new Map<string, Operation>();
    const deletions = new Map<string, Operation[]>();
    const keys = new Set<string>();
    for (const operation of this.operations) {
      const { request } = operation;
      if (request.type !== "put" && request.type !== "swap") continue;
      keys.add(request.key);
      if (request.value !== undefined) writes.set(request.value, operation);
      else if (request.type === "swap") {
        const name = `${request.expected} ${request.key}`;
        deletions.set(name, [...(deletions.get(name) ?? []), operation]);
      }
    }
    for (const key of keys) {
      let before = 0;
      for (const { revision, version } of this.replay.changesOf(key)) {
        const isKnown = this.makers.has(`${revision} ${key}`);
        if (!isKnown && version !== undefined) {
          this.settle(writes.get(decoder.decode(version.value)), key, revision, version);
        } else if (!isKnown && !this.replay.hasGap(before, revision)) {
          const askers = deletions.get(`${before} ${key}`) ?? [];
          const maker = askers.find(({ answer }) => answer.type === "unknown") ?? askers[0];
          this.settle(maker, key, revision, version);
        }
        before = revision;
      }
    }
  }

  /** A change that nobody was told to have made is that of someone who was told nothing. */
  private settle(maker: Operation | undefined, key: string, revision: number, version: Version | undefined): void {
    const what = version === undefined ? `the deletion of ${key}` : `${decoder.decode(version.value)} at ${key}`;
    if (maker === undefined) throw broken(`nobody asked for revision ${revision}, ${what}`);
    const { answer } = maker;
    if (answer.type === "refused") throw broken(`${nameOf(maker)} was refused, but is there at revision ${revision}`);
    const place = this.places.get(maker);
    if (place !== undefined) {
      throw broken(`${nameOf(maker)} is at revision ${revision}, and at ${place >>> 1} as well`);
    }
    this.places.set(maker, 2 * revision);
    this.claim(maker, key, revision);
  }

  /** Whoever began after another one had ended comes after it in the log. */
  checkOrder(): void {
    const placed = [...this.places].map(([operation, place]) => ({ operation, place }));
    const ends = placed
      .filter(({ operation }) => operation.ended < Infinity)
      .toSorted((a, b) => a.operation.ended - b.operation.ended);
    let last: (typeof ends)[number] | undefined;
    let next = 0;
    for (const { operation, place } of placed.toSorted((a, b) => a.operation.began - b.operation.began)) {
      for (; next < ends.length && ends[next]!.operation.ended < operation.began; next++) {
        if (last === undefined || ends[next]!.place > last.place) last = ends[next];
      }
      if (last !== undefined && place < last.place) {
        throw broken(
          `${tale(operation, place)} comes before ${tale(last.operation, last.place)}, which had ended by then`,
        );
      }
      if (place < 2 * operation.floor) {
        throw broken(`${tale(operation, place)} comes before revision ${operation.floor}, which was known by then`);
      }
    }
  }
}

function tale(operation: Operation, place: number): string {
  return `${nameOf(operation)}, ${place % 2 === 0 ? "at" : "seeing"} revision ${place >>> 1},`;
}

function nameOf({ client, request }: Operation): string {
  switch (request.type) {
    case "put":
      return `${client}'s write of ${request.value} to ${request.key}`;
    case "swap":
      return request.value === undefined
        ? `${client}'s deletion of ${request.key}`
        : `${client}'s swap of ${request.value} into ${request.key}`;
    case "get":
      return `${client}'s read of ${request.key}`;
    case "list":
      return `${client}'s list of ${request.prefix}`;
    case "past":
      return `${client}'s list of ${request.prefix} as it was`;
  }
}

function textOf(version: Version | undefined): string {
  if (version === undefined) return "nothing";
  const { value, createRevision, modRevision, version: count, lease } = version;
  return `${decoder.decode(value)} (revision ${modRevision}, version ${count} of ${createRevision}, lease ${lease})`;
}
