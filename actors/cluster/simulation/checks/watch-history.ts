/**
 * What a client's watch of the API told, against the sequence of revisions: every change of what it watches once, in
 * order, none left out. A watch that has to list anew begins another stretch.
 */
import { broken } from "./broken.ts";
import type { RevisionLog } from "./revision-log.ts";

interface Stretch {
  readonly server: string;
  /** Changes after it are owed. */
  readonly from: number;
  last: number;
  readonly told: number[];
}

export class WatchHistory {
  private readonly stretches: Stretch[] = [];
  private readonly prefix: string;

  /** `prefix`: of the keys in etcd of what is watched. */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** The newest revision told. */
  get last(): number {
    return this.stretches.at(-1)?.last ?? 0;
  }

  /** A watch of everything after `from` begins. */
  begins(server: string, from: number): void {
    this.stretches.push({ server, from, last: from, told: [] });
  }

  /** Errors: PROMISE_BROKEN when it goes back or repeats itself. */
  tells(revision: number, isBookmark: boolean): void {
    const stretch = this.stretches.at(-1);
    if (stretch === undefined) return;
    if (revision < stretch.last || (revision === stretch.last && !isBookmark)) {
      throw broken(`the watch at ${stretch.server} told revision ${revision} after ${stretch.last}`);
    }
    stretch.last = revision;
    if (!isBookmark) stretch.told.push(revision);
  }

  /** Errors: PROMISE_BROKEN for what was left out or made up. `log` must have come to `last`. */
  check(log: RevisionLog): void {
    for (const { server, from, last, told } of this.stretches) {
      if (!log.isWhole(from, last)) continue;
      const owed = log.changesBelow(this.prefix, from, last);
      const missing = owed.filter((revision) => !told.includes(revision));
      if (missing.length > 0) {
        throw broken(`the watch at ${server} from ${from} to ${last} left out revisions ${missing.join(", ")}`);
      }
      const invented = told.filter((revision) => !owed.includes(revision));
      if (invented.length > 0) {
        throw broken(
          `the watch at ${server} from ${from} to ${last} told ${invented.join(", ")}, which changed nothing`,
        );
      }
    }
  }
}
