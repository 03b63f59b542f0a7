/**
 * Pods that wait for a node: ready ones by priority, those that pause after a failure, and those that no node takes.
 * The last come back when something changes that can help them, which the caller asks with the filters themselves.
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

interface Queued {
  info: PodInfo;
  attempts: number;
  /** When it first came. */
  readonly sinceMs: number;
  /** When its pause after the last failure ends. */
  readyAtMs: number;
  place: Place;
}

type Place = "active" | "backoff" | "unschedulable" | "in-flight";

export class SchedulingQueue {
  private readonly options: QueueOptions;
  private readonly pods = new Map<string, Queued>();
  /** Ready pods by priority, highest first; within one in order of arrival. */
  private readonly active = new Map<number, Map<string, Queued>>();
  private priorities: number[] = [];
  private readonly pausing = new Set<Queued>();
  private readonly unplaced = new Set<Queued>();

  constructor(options: QueueOptions = QUEUE_DEFAULTS) {
    this.options = options;
  }

  /** By place: ready, pausing, unschedulable, being bound. */
  counts(): Readonly<Record<Place, number>> {
    const counts = { active: 0, backoff: 0, unschedulable: 0, "in-flight": 0 };
    for (const { place } of this.pods.values()) counts[place]++;
    return counts;
  }

  /** A new pod, or a new version of one that waits: an unschedulable one gets another chance when its spec changed. */
  set(info: PodInfo, specChanged: boolean, nowMs: number): void {
    const present = this.pods.get(info.key);
    if (present !== undefined && present.info.uid === info.uid) {
      present.info = info;
      if (present.place === "unschedulable" && specChanged) this.move(present, "active");
      return;
    }
    if (present !== undefined) this.delete(info.key);
    const queued: Queued = { info, attempts: 0, sinceMs: nowMs, readyAtMs: 0, place: "in-flight" };
    this.pods.set(info.key, queued);
    this.move(queued, "active");
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
    const priority = this.priorities[0];
    if (priority === undefined) return undefined;
    for (const queued of this.active.get(priority)?.values() ?? []) {
      this.move(queued, "in-flight");
      queued.attempts++;
      return queued.info;
    }
    return undefined;
  }

  get hasActive(): boolean {
    return this.priorities.length > 0;
  }

  /** No node takes the pod now. */
  unschedulable(info: PodInfo, nowMs: number): void {
    const queued = this.inFlight(info);
    if (queued === undefined) return;
    this.move(queued, "unschedulable");
    queued.readyAtMs = nowMs + this.pauseMs(queued);
  }

  /** The attempt failed for another reason: try again after a pause. */
  retry(info: PodInfo, nowMs: number): void {
    const queued = this.inFlight(info);
    if (queued === undefined) return;
    this.move(queued, "backoff");
    queued.readyAtMs = nowMs + this.pauseMs(queued);
  }

  /** Something changed: unschedulable pods for which `helps` says so come back, at once or when their pause is over. */
  moveWhere(helps: (info: PodInfo) => boolean, nowMs: number): void {
    for (const queued of [...this.unplaced]) {
      if (helps(queued.info)) this.move(queued, queued.readyAtMs <= nowMs ? "active" : "backoff");
    }
  }

  /** Makes pods ready whose pause is over; answers when the next one's is. */
  advance(nowMs: number): number | undefined {
    let next: number | undefined;
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
    if (queued.place === "active") this.deactivate(queued);
    this.pausing.delete(queued);
    this.unplaced.delete(queued);
    queued.place = to;
    if (to === "active") this.activate(queued);
    if (to === "backoff") this.pausing.add(queued);
    if (to === "unschedulable") this.unplaced.add(queued);
  }

  private activate(queued: Queued): void {
    const { priority, key } = queued.info;
    let waiting = this.active.get(priority);
    if (waiting === undefined) {
      waiting = new Map();
      this.active.set(priority, waiting);
      this.priorities.push(priority);
      this.priorities.sort((left, right) => right - left);
    }
    waiting.set(key, queued);
  }

  private deactivate(queued: Queued): void {
    const { priority, key } = queued.info;
    const waiting = this.active.get(priority);
    if (waiting?.delete(key) !== true || waiting.size > 0) return;
    this.active.delete(priority);
    this.priorities = this.priorities.filter((other) => other !== priority);
  }
}
