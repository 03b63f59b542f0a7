/**
 * What etcd promises of a watch, guarantee by guarantee and by the names that etcd's own tests give them: Filter, Ordered,
 * Unique, Atomic, Bookmarkable, Resumable, Reliable, IsCreate and PrevKV. Judged is what one stream told, by the sequence of
 * revisions.
 *
 * @see https://etcd.io/docs/v3.6/learning/api_guarantees/, and etcd `tests/robustness/validate/watch.go`
 */
import type { KeyValue, WatchEvent, WatchRequest } from "../../../../protocols/etcd.ts";
import { broken } from "./broken.ts";
import type { Version } from "./replay.ts";
import { Replay } from "./replay.ts";
import type { RevisionLog } from "./revision-log.ts";

export interface Response {
  /** Of the header: nothing up to it is still to come. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/** One stream, from its request to its end. */
export interface WatchStream {
  readonly client: string;
  readonly member: string;
  readonly request: WatchRequest;
  readonly responses: Response[];
  /** It was ended because what comes next is older than this revision. */
  compacted?: number;
}

export type Guarantee =
  | "Filter"
  | "Ordered"
  | "Unique"
  | "Atomic"
  | "Bookmarkable"
  | "Resumable"
  | "Reliable"
  | "IsCreate"
  | "PrevKV";

export const GUARANTEES: readonly Guarantee[] = [
  "Filter",
  "Ordered",
  "Unique",
  "Atomic",
  "Bookmarkable",
  "Resumable",
  "Reliable",
  "IsCreate",
  "PrevKV",
];

/** Errors: PROMISE_BROKEN, with the guarantee's name. `log` must have come to all that the streams told. */
export function checkWatches(streams: readonly WatchStream[], log: RevisionLog): void {
  const replay = new Replay(log);
  for (const stream of streams) {
    for (const guarantee of GUARANTEES) {
      const violation = violationOf(guarantee, stream, log, replay);
      if (violation !== undefined) throw broken(`${guarantee}: ${nameOf(stream)} ${violation}`);
    }
  }
}

/** In words; undefined when the guarantee holds. */
export function violationOf(
  guarantee: Guarantee,
  stream: WatchStream,
  log: RevisionLog,
  replay: Replay,
): string | undefined {
  switch (guarantee) {
    case "Filter":
      return firstOf(eventsOf(stream), ({ kv }) =>
        isWatched(stream, kv.key) ? undefined : `told ${kv.key}, which it does not watch`,
      );
    case "Ordered":
      return unordered(stream);
    case "Unique":
      return repeated(stream);
    case "Atomic":
      return torn(stream);
    case "Bookmarkable":
      return untrueBookmark(stream);
    case "Resumable":
      return wrongBeginning(stream, log, replay);
    case "Reliable":
      return leftOut(stream, log, replay);
    case "IsCreate":
      return firstOf(eventsOf(stream), (event) => wrongKind(event, replay));
    case "PrevKV":
      return firstOf(eventsOf(stream), (event) => wrongPrevious(event, stream.request.prevKv === true, replay));
  }
}

function unordered(stream: WatchStream): string | undefined {
  let last = 0;
  return firstOf(eventsOf(stream), ({ kv: { modRevision } }) => {
    if (modRevision < last) return `told revision ${modRevision} after ${last}`;
    last = modRevision;
    return undefined;
  });
}

function repeated(stream: WatchStream): string | undefined {
  const told = new Set<string>();
  return firstOf(eventsOf(stream), ({ kv: { key, modRevision } }) => {
    const name = `${key} at revision ${modRevision}`;
    if (told.has(name)) return `told ${name} twice`;
    told.add(name);
    return undefined;
  });
}

/** All events of a revision come in one response. */
function torn({ responses }: WatchStream): string | undefined {
  const told = new Set<number>();
  for (const { events } of responses) {
    const revisions = new Set(events.map(({ kv }) => kv.modRevision));
    for (const revision of revisions) {
      if (told.has(revision)) return `told revision ${revision} in parts`;
      told.add(revision);
    }
  }
  return undefined;
}

function untrueBookmark({ responses }: WatchStream): string | undefined {
  let mark = 0;
  for (const { revision, events } of responses) {
    for (const { kv } of events) {
      if (kv.modRevision <= mark) return `told revision ${kv.modRevision} after it had said to be at ${mark}`;
      if (kv.modRevision > revision) return `told revision ${kv.modRevision} ahead of its own ${revision}`;
    }
    if (revision < mark) return `said to be at revision ${revision} after ${mark}`;
    mark = revision;
  }
  return undefined;
}

/** A watch from a revision on begins with the first change from there on, and is refused only for what is forgotten. */
function wrongBeginning(stream: WatchStream, log: RevisionLog, replay: Replay): string | undefined {
  const { request, compacted } = stream;
  const { startRevision = 0 } = request;
  const next = Math.max(startRevision, lastTold(stream) + 1);
  if (compacted !== undefined && startRevision > 0 && compacted <= next) {
    return `was ended as compacted at ${compacted}, though all up to ${next - 1} had been told`;
  }
  if (startRevision <= 0) return undefined;
  const first = eventsOf(stream).next().value?.kv.modRevision;
  if (first !== undefined && first < startRevision)
    return `told revision ${first}, but was to begin at ${startRevision}`;
  const told = first ?? lastTold(stream) + 1;
  if (replay.hasGap(startRevision - 1, told - 1)) return undefined;
  for (let revision = startRevision; revision < told; revision++) {
    if (watchedAt(stream, log, revision).length > 0) return `began at ${told}, and left out revision ${revision}`;
  }
  return undefined;
}

/** All that changed what it watches, and as it was, between the first and the last that it told. */
function leftOut(stream: WatchStream, log: RevisionLog, replay: Replay): string | undefined {
  const told = new Map<number, WatchEvent[]>();
  for (const event of eventsOf(stream)) {
    const { modRevision } = event.kv;
    told.set(modRevision, [...(told.get(modRevision) ?? []), event]);
  }
  const [response] = stream.responses;
  const from = response?.events[0]?.kv.modRevision ?? (response?.revision ?? 0) + 1;
  const first = Math.max(from, stream.request.startRevision ?? 0);
  for (let revision = first; revision <= lastTold(stream); revision++) {
    if (replay.hasGap(revision - 1, revision)) continue;
    const owed = watchedAt(stream, log, revision).map(textOf).toSorted().join(", ");
    const is = (told.get(revision) ?? []).map(textOf).toSorted().join(", ");
    if (is !== owed) return `told of revision ${revision} ${is || "nothing"}, and not ${owed || "nothing"}`;
  }
  return undefined;
}

function wrongKind({ type, kv }: WatchEvent, replay: Replay): string | undefined {
  const before = replay.at(kv.key, kv.modRevision - 1);
  if (type === "delete" || before === "unknown") return undefined;
  const isCreate = kv.createRevision === kv.modRevision && kv.version === 1;
  const wasThere = before !== undefined;
  if (isCreate !== wasThere) return undefined;
  return `told revision ${kv.modRevision} of ${kv.key} as ${isCreate ? "a creation, but it was there" : "a change, but it was not there"}`;
}

function wrongPrevious({ kv, prevKv }: WatchEvent, isWanted: boolean, replay: Replay): string | undefined {
  const before = replay.at(kv.key, kv.modRevision - 1);
  if (before === "unknown") return undefined;
  const is = versionText(prevKv);
  const was = isWanted ? versionText(before) : "nothing";
  return is === was
    ? undefined
    : `told ${is} as what was before revision ${kv.modRevision} of ${kv.key}, and not ${was}`;
}

function* eventsOf({ responses }: WatchStream): Generator<WatchEvent, undefined> {
  for (const { events } of responses) yield* events;
  return undefined;
}

function firstOf(events: Iterable<WatchEvent>, look: (event: WatchEvent) => string | undefined): string | undefined {
  for (const event of events) {
    const violation = look(event);
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function lastTold({ responses }: WatchStream): number {
  const last = responses.at(-1);
  return last === undefined ? 0 : Math.max(last.revision, last.events.at(-1)?.kv.modRevision ?? 0);
}

function watchedAt(stream: WatchStream, log: RevisionLog, revision: number): readonly WatchEvent[] {
  return (log.at(revision)?.events ?? []).filter(({ kv }) => isWatched(stream, kv.key));
}

/** Keys of the simulation are ASCII, which is ordered as its bytes are. */
function isWatched({ request: { key, rangeEnd } }: WatchStream, other: string): boolean {
  if (rangeEnd === undefined) return other === key;
  return other >= key && (rangeEnd === "\0" || other < rangeEnd);
}

function textOf({ type, kv }: WatchEvent): string {
  return type === "delete" ? `delete ${kv.key}` : `put ${kv.key} ${versionText(kv)}`;
}

function versionText(version: Version | KeyValue | undefined): string {
  if (version === undefined) return "nothing";
  const { value, createRevision, modRevision, version: count, lease } = version;
  return `${new TextDecoder().decode(value)} (revision ${modRevision}, version ${count} of ${createRevision}, lease ${lease})`;
}

function nameOf({ client, member, request: { key, rangeEnd, startRevision } }: WatchStream): string {
  const range = rangeEnd === undefined ? key : `${key} to ${rangeEnd}`;
  return `${client}'s watch of ${JSON.stringify(range)} at ${member} from ${startRevision ?? "now on"}`;
}
