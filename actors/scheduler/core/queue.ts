/**
 * Pods that wait for a node: ready ones in the order of the profile, those that pause after a failure, those that no node takes,
 * and those that may not have their turn yet. What no node takes comes back when something changes that can help it, which the
 * caller asks the plugins that have rejected it.
 *
 * @see pkg/scheduler/backend/queue/scheduling_queue.go
 */
import type { PodInfo } from "./pod-info.ts";

export interface QueueOptions {
  /** The pause after a pod's first failure. Kubernetes: 1 s; ours heals in a second, so a tenth. */
  readonly backoffBaseMs: number;
  /** The longest pause, as in Kubernetes. */
  readonly backoffCapMs: number;
}

export const QUEUE_DEFAULTS: QueueOptions = { backoffBaseMs: 100, backoffCapMs: 10_000 };

/** What no node takes is tried again after so long, whatever the plugins say. Kubernetes: 5 min. */
const FORGOTTEN_AFTER_MS = 300_000;

interface Queued {
  info: PodInfo;
  attempts: number;
  /** When it first came. */
  readonly sinceMs: number;
  /** When its pause after the last failure ends. */
  readyAtMs: number;
  place: Place;
  /** The plugins that have rejected it last. */
  rejectors: ReadonlySet<string>;
  /** When it was tried last. */
  triedAtMs: number;
  /** Something is being done for it, and until that is done it is not tried; what helps it meanwhile is remembered. */
  held: boolean;
  helped: boolean;
}

type Place = "active" | "backoff" | "unschedulable" | "in-flight" | "gated";

/** Ready pods of which none is before another: in order of arrival. */
interface Rank {
  readonly first: PodInfo;
  readonly pods: Map<string, Queued>;
}

/** Which of two is first; negative: the left one. */
export type QueueSort = (left: PodInfo, right: PodInfo) => number;
const byPriority: QueueSort = (left, right) => right.priority - left.priority;

export class SchedulingQueue {
  private readonly options: QueueOptions;
  private readonly pods = new Map<string, Queued>();
  private readonly sort: QueueSort;
  private readonly ranks: Rank[] = [];
  private readonly pausing = new Set<Queued>();
  private readonly unplaced = new Set<Queued>();

  constructor(options: QueueOptions = QUEUE_DEFAULTS, sort: QueueSort = byPriority) {
    this.options = options;
    this.sort = sort;
  }

  /** By place: ready, pausing, unschedulable, being bound, held back by a gate. */
  counts(): Readonly<Record<Place, number>> {
    const counts = { active: 0, backoff: 0, unschedulable: 0, "in-flight": 0, gated: 0 };
    for (const { place } of this.pods.values()) counts[place]++;
    return counts;
  }

  /**
   * A new pod, or a new version of one that waits: an unschedulable one gets another chance when its spec changed. `isGated`: it may
   * not have its turn until a version comes that may.
   */
  set(info: PodInfo, specChanged: boolean, nowMs: number, isGated: boolean = false): void {
    const present = this.pods.get(info.key);
    if (present !== undefined && present.info.uid === info.uid) {
      if (present.place === "active") this.unrank(present);
      present.info = info;
      if (present.place === "active") this.rank(present);
      if (present.place === "gated" && !isGated) this.move(present, "active");
      if (present.place === "unschedulable" && specChanged) this.wake(present, nowMs, true);
      return;
    }
    if (present !== undefined) this.delete(info.key);
    const queued: Queued = {
      info,
      attempts: 0,
      sinceMs: nowMs,
      readyAtMs: 0,
      place: "in-flight",
      rejectors: new Set(),
      triedAtMs: nowMs,
      held: false,
      helped: false,
    };
    this.pods.set(info.key, queued);
    this.move(queued, isGated ? "gated" : "active");
  }

  delete(key: string): void {
    const queued = this.pods.get(key);
    if (queued === undefined) return;
    this.pods.delete(key);
    this.move(queued, "in-flight");
  }

  has(key: string, uid: string): boolean {
    return this.pods.get(key)?.info.uid === uid;
  }

  /** How often a pod has been tried, and since when it waits; undefined: it is not known. */
  triesOf(key: string): { readonly attempts: number; readonly sinceMs: number } | undefined {
    return this.pods.get(key);
  }

  /** The next pod to place. It stays known until `delete`, `unschedulable` or `retry`. */
  take(): PodInfo | undefined {
    const [rank] = this.ranks;
    if (rank === undefined) return undefined;
    for (const queued of rank.pods.values()) {
      this.move(queued, "in-flight");
      queued.attempts++;
      return queued.info;
    }
    return undefined;
  }

  get hasActive(): boolean {
    return this.ranks.length > 0;
  }

  /** No node takes the pod now, because of `rejectors`. `held`: not to be tried before `release`. */
  unschedulable(info: PodInfo, nowMs: number, rejectors: ReadonlySet<string> = new Set(), held: boolean = false): void {
    const queued = this.inFlight(info);
    if (queued === undefined) return;
    this.move(queued, "unschedulable");
    queued.readyAtMs = nowMs + this.pauseMs(queued);
    queued.triedAtMs = nowMs;
    queued.rejectors = rejectors;
    queued.held = held;
    queued.helped = false;
  }

  /** What was done for the pod is done; `failed`: it is tried anew. */
  release(info: PodInfo, failed: boolean, nowMs: number): void {
    const queued = this.pods.get(info.key);
    if (queued === undefined || queued.info.uid !== info.uid || !queued.held) return;
    queued.held = false;
    if (failed || queued.helped) this.wake(queued, nowMs, false);
  }

  /** The attempt failed for another reason: try again after a pause. */
  retry(info: PodInfo, nowMs: number): void {
    const queued = this.inFlight(info);
    if (queued === undefined) return;
    this.move(queued, "backoff");
    queued.readyAtMs = nowMs + this.pauseMs(queued);
  }

  /** Something changed: unschedulable pods for which `helps` says so come back, at once or when their pause is over. */
  moveWhere(helps: (info: PodInfo, rejectors: ReadonlySet<string>) => boolean, nowMs: number): void {
    for (const queued of [...this.unplaced]) {
      if (!queued.helped && helps(queued.info, queued.rejectors)) this.wake(queued, nowMs, false);
    }
  }

  /** The pod has its turn soon, whatever its plugins say. */
  activate(key: string): void {
    const queued = this.pods.get(key);
    if (queued?.place === "unschedulable" || queued?.place === "backoff") this.move(queued, "active");
  }

  /** Pods that wait for a node to take them. */
  get unplacedCount(): number {
    return this.unplaced.size;
  }

  /** Makes pods ready whose pause is over; answers when the next one's is. */
  advance(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const queued of [...this.unplaced]) {
      const dueMs = queued.triedAtMs + FORGOTTEN_AFTER_MS;
      if (dueMs <= nowMs) this.move(queued, "active");
      else if (next === undefined || dueMs < next) next = dueMs;
    }
    for (const queued of [...this.pausing]) {
      if (queued.readyAtMs <= nowMs) this.move(queued, "active");
      else if (next === undefined || queued.readyAtMs < next) next = queued.readyAtMs;
    }
    return next;
  }

  private inFlight(info: PodInfo): Queued | undefined {
    const queued = this.pods.get(info.key);
    return queued?.place === "in-flight" && queued.info.uid === info.uid ? queued : undefined;
  }

  private pauseMs(queued: Queued): number {
    const { backoffBaseMs, backoffCapMs } = this.options;
    return Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(queued.attempts - 1, 30));
  }

  private move(queued: Queued, to: Place): void {
    if (queued.place === "active") this.unrank(queued);
    this.pausing.delete(queued);
    this.unplaced.delete(queued);
    queued.place = to;
    if (to === "active") this.rank(queued);
    if (to === "backoff") this.pausing.add(queued);
    if (to === "unschedulable") this.unplaced.add(queued);
  }

  private wake(queued: Queued, nowMs: number, atOnce: boolean): void {
    if (queued.held) queued.helped = true;
    else this.move(queued, atOnce || queued.readyAtMs <= nowMs ? "active" : "backoff");
  }

  private rank(queued: Queued): void {
    const at = this.rankOf(queued.info);
    const rank = this.ranks[at];
    if (rank !== undefined && this.sort(rank.first, queued.info) === 0) rank.pods.set(queued.info.key, queued);
    else this.ranks.splice(at, 0, { first: queued.info, pods: new Map([[queued.info.key, queued]]) });
  }

  private unrank(queued: Queued): void {
    const at = this.rankOf(queued.info);
    const rank = this.ranks[at];
    if (rank?.pods.delete(queued.info.key) === true && rank.pods.size === 0) this.ranks.splice(at, 1);
  }

  /** The first rank that `info` is not behind. */
  private rankOf(info: PodInfo): number {
    let from = 0;
    let to = this.ranks.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.sort(this.ranks[middle]!.first, info) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
