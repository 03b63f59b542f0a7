/**
 * What a client's watch of the API told, against the sequence of revisions: every change of what it watches once, in
 * order, none left out and as what it is; with the list that it began with, the state at each moment; bookmarks that nothing
 * comes before; and an end as expired only where what comes next may be forgotten. A watch that has to list anew begins
 * another stretch.
 */
import { broken } from "./broken.ts";
import type { Replay } from "./replay.ts";
import type { RevisionLog } from "./revision-log.ts";

/** Of the watched resource: revisions of what is there, by the key in etcd. */
export type Listed = ReadonlyMap<string, number>;

export interface Told {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly key: string;
  readonly revision: number;
}

interface Stretch {
  readonly server: string;
  /** How often the server had loaded its caches when it told the list. */
  readonly loads: number;
  /** Changes after it are owed. */
  readonly from: number;
  readonly listed: Listed;
  last: number;
  readonly told: Told[];
}

export class WatchHistory {
  private readonly stretches: Stretch[] = [];
  private readonly prefix: string;

  /** `prefix`: of the keys in etcd of what is watched. */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The newest revision told; 0 when a list is needed first. */
  get last(): number {
    return this.stretches.at(-1)?.last ?? 0;
  }

  /** A watch of everything after `from` begins, where `listed` was there. */
  begins(server: string, loads: number, from: number, listed: Listed): void {
    this.stretches.push({ server, loads, from, listed, last: from, told: [] });
  }

  /** Errors: PROMISE_BROKEN when it goes back or repeats itself. */
  tells(told: Told): void {
    this.reaches(told.revision, false);
    this.stretches.at(-1)?.told.push(told);
  }

  /** Errors: PROMISE_BROKEN when it goes back. */
  marks(revision: number): void {
    this.reaches(revision, true);
  }

  private reaches(revision: number, isBookmark: boolean): void {
    const stretch = this.stretches.at(-1);
    if (stretch === undefined) return;
    if (revision < stretch.last || (revision === stretch.last && !isBookmark)) {
      throw broken(`the watch at ${stretch.server} told revision ${revision} after ${stretch.last}`);
    }
    stretch.last = revision;
  }

  /**
   * The server has ended it as expired. `loads`: how often that has loaded its caches; `kept`: changes that it keeps at least.
   * Errors: PROMISE_BROKEN for one that has loaded nothing since it told the list, and has seen no more changes than that.
   */
  expires(server: string, loads: number, kept: number, log: RevisionLog): void {
    const stretch = this.stretches.at(-1);
    if (stretch === undefined || stretch.server !== server || stretch.loads !== loads) return;
    // Kept together with those of other namespaces.
    const [, registry = "", resource = ""] = this.prefix.split("/");
    const changes = log.changesBelow(`/${registry}/${resource}/`, stretch.last, log.revision).length;
    if (changes < kept && log.isWhole(stretch.last, log.revision)) {
      throw broken(
        `the watch at ${server} from ${stretch.last} expired, though only ${changes} of ${kept} changes came after it`,
      );
    }
  }

  /** The next one is to list anew. */
  forget(): void {
    this.begins("", 0, 0, new Map());
  }

  /** Errors: PROMISE_BROKEN for what was left out or made up. */
  check(log: RevisionLog, replay: Replay): void {
    for (const stretch of this.stretches) {
      const { server, from, last, told } = stretch;
      if (last > log.revision) throw broken(`the watch at ${server} told of revision ${last}, which there is not`);
      if (from === 0 || replay.hasGap(from, last)) continue;
      const owed = log.changesBelow(this.prefix, from, last);
      const revisions = new Set(told.map(({ revision }) => revision));
      const missing = owed.filter((revision) => !revisions.has(revision));
      const what = `the watch at ${server} from ${from} to ${last}`;
      if (missing.length > 0) throw broken(`${what} left out revisions ${missing.join(", ")}`);
      const invented = told.filter(({ revision }) => !owed.includes(revision));
      if (invented.length > 0) {
        throw broken(`${what} told ${invented.map(({ revision }) => revision).join(", ")}, which changed nothing`);
      }
      this.checkStates(stretch, what, replay);
    }
  }

  /** What was listed, and each change of it, make up what was there. */
  private checkStates({ listed, last, told }: Stretch, what: string, replay: Replay): void {
    const state = new Map(listed);
    for (const { type, key, revision } of told) {
      const isThere = state.has(key);
      if (isThere === (type === "ADDED")) {
        throw broken(
          `${what} told revision ${revision} of ${key} as ${type}, though it was ${isThere ? "there" : "not there"}`,
        );
      }
      const is = replay.at(key, revision);
      if (is !== "unknown" && (is === undefined) !== (type === "DELETED")) {
        throw broken(
          `${what} told revision ${revision} of ${key} as ${type}, and it was ${is === undefined ? "deleted" : "written"}`,
        );
      }
      if (type === "DELETED") state.delete(key);
      else state.set(key, revision);
    }
    const difference = differenceFrom(this.prefix, state, last, replay);
    if (difference !== undefined) throw broken(`${what} came to a state with ${difference}`);
  }
}

/** How `listed` is not what was there at a revision, in words; undefined when it is. */
export function differenceFrom(prefix: string, listed: Listed, revision: number, replay: Replay): string | undefined {
  const left = new Map(listed);
  for (const key of replay.everyKey) {
    if (!key.startsWith(prefix)) continue;
    const is = replay.at(key, revision);
    const told = left.get(key);
    left.delete(key);
    if (is === "unknown" || is?.modRevision === told) continue;
    return `revision ${told ?? "none"} of ${key}, where ${is?.modRevision ?? "none"} was`;
  }
  const [invented] = left.keys();
  return invented === undefined || replay.hasGap(1, revision) ? undefined : `${invented}, which nobody wrote`;
}
