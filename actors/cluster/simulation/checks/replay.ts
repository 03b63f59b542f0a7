/**
 * What each key was at each revision, worked out from the sequence of revisions alone: versions are counted here, and what
 * an event says of them is only compared. Where revisions are missing, nothing is said of keys that may have changed there.
 */
import type { KeyValue } from "../../../../protocols/etcd.ts";
import { broken } from "./broken.ts";
import type { RevisionLog } from "./revision-log.ts";

/** What etcd tells of a key's current version, beside the key and the value. */
export type Version = Pick<KeyValue, "value" | "createRevision" | "modRevision" | "version" | "lease">;

/** Of a key: which revision changed it last, and to what; undefined: it was deleted. */
interface Change {
  readonly revision: number;
  readonly version: Version | undefined;
}

export class Replay {
  private readonly keys = new Map<string, Change[]>();
  /** Revisions that nobody has told, ascending. */
  private readonly gaps: number[] = [];
  readonly newest: number;

  /** Errors: PROMISE_BROKEN for an event that counts its key's versions otherwise. */
  constructor(log: RevisionLog) {
    this.newest = log.revision;
    for (let revision = 2; revision <= log.revision; revision++) {
      const known = log.at(revision);
      if (known === undefined) this.gaps.push(revision);
      else for (const event of known.events) this.change(event.type, event.kv, revision);
    }
  }

  private change(type: "put" | "delete", kv: KeyValue, revision: number): void {
    const changes = this.keys.get(kv.key) ?? [];
    this.keys.set(kv.key, changes);
    changes.push({ revision, version: type === "delete" ? undefined : this.versionAfter(kv, revision) });
  }

  private versionAfter(kv: KeyValue, revision: number): Version {
    const before = this.at(kv.key, revision - 1);
    if (before === "unknown") return kv;
    const createRevision = before?.createRevision ?? revision;
    const version = (before?.version ?? 0) + 1;
    if (kv.createRevision !== createRevision || kv.version !== version) {
      const told = `version ${kv.version} of ${kv.createRevision}`;
      throw broken(
        `revision ${revision} tells ${kv.key} as ${told}, but it is version ${version} of ${createRevision}`,
      );
    }
    return kv;
  }

  /** The key's version right after a revision; undefined: there is none. */
  at(key: string, revision: number): Version | undefined | "unknown" {
    const last = this.lastChange(key, revision);
    if (this.hasGap(last?.revision ?? 1, revision)) return "unknown";
    return last?.version;
  }

  /** Keys that had a version at some time, in the order in which they came. */
  get everyKey(): Iterable<string> {
    return this.keys.keys();
  }

  /** Revisions that changed the key, ascending. */
  changesOf(key: string): readonly Change[] {
    return this.keys.get(key) ?? [];
  }

  /** Whether a revision after `after` and up to `upTo` is missing. */
  hasGap(after: number, upTo: number): boolean {
    const last = upTo > this.newest ? upTo : this.gaps[lastAtMost(this.gaps, upTo)];
    return last !== undefined && last > after;
  }

  private lastChange(key: string, revision: number): Change | undefined {
    const changes = this.changesOf(key);
    let low = 0;
    let high = changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (changes[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return changes[low - 1];
  }
}

/** Index of the last number that is not above `limit`; -1 when there is none. */
function lastAtMost(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
