/**
 * The workers of a running cluster, which come and go: each is a supervisor with its actors in the tree and a Node in the
 * API. One change at a time, so that each sees what the one before has left.
 */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Node } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Supervisor } from "../../runtime/supervisor/supervisor.ts";
import type { Client } from "../client/client.ts";
import { leases, nodes, pods } from "../client/resources.ts";
import { WORKERS_MAX } from "./options.ts";
import type { TopologyOptions } from "./topology.ts";
import { workerSpec } from "./topology.ts";

export interface RemoveWorkerOptions {
  /** How long its pods have to end before they are cut off; default 30,000. */
  readonly timeoutMs?: number;
}

/** As long as a pod's grace period is by default. */
const DRAIN_TIMEOUT_MS = 30_000;
/** How often is looked whether a drained node is empty, and whether a new one is Ready. */
const LOOK_MS = 50;
/** As `startTimeoutMs` of an actor, and some heartbeats. */
const READY_TIMEOUT_MS = 30_000;
const WORKER = /^worker-(\d+)$/;

/** What the workers need of their cluster. */
export interface WorkersHome {
  readonly supervisor: Supervisor;
  readonly client: Client;
  readonly clock: Clock;
  readonly topology: TopologyOptions;
  /** The set of actors has changed. */
  actorsChanged(): Promise<void>;
}

export class Workers {
  private readonly home: WorkersHome;
  private last: Promise<unknown> = Promise.resolve();

  constructor(home: WorkersHome) {
    this.home = home;
  }

  /** Those that are in the tree, also killed ones, by number. */
  names(): readonly string[] {
    return this.indices().map((index) => `worker-${index}`);
  }

  /** Resolves with the new worker's name when its node is Ready. Errors: TOO_MANY_WORKERS, what its start failed with. */
  add(): Promise<string> {
    return this.inTurn(() => this.addOne());
  }

  /** Resolves when the node is gone. Errors: NO_SUCH_ACTOR. */
  remove(name: string, options: RemoveWorkerOptions = {}): Promise<void> {
    return this.inTurn(() => this.removeOne(name, options));
  }

  /** Adds what is missing, or removes the newest. Errors: as `add` and `remove`. */
  scale(count: number): Promise<void> {
    return this.inTurn(async () => {
      while (this.indices().length < count) await this.addOne();
      while (this.indices().length > count) await this.removeOne(this.names().at(-1)!, {});
    });
  }

  private indices(): readonly number[] {
    return this.home.supervisor
      .spec()
      .children.flatMap(({ name }) => WORKER.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((left, right) => left - right);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  private async addOne(): Promise<string> {
    const { supervisor, topology } = this.home;
    const taken = this.indices();
    if (taken.length >= WORKERS_MAX)
      throw new InkubeError("TOO_MANY_WORKERS", `there are ${WORKERS_MAX} workers already, and no more are possible`);
    let index = 0;
    while (taken.includes(index)) index++;
    const name = `worker-${index}`;
    const startedMs = Math.floor(this.home.clock.nowMs() / 1_000) * 1_000;
    await supervisor.addChild(workerSpec({ ...topology, workers: Math.max(taken.length, index) + 1 }, index));
    await this.home.actorsChanged();
    await this.until(`node ${name} to be Ready`, READY_TIMEOUT_MS, async () => {
      const node = await this.home.client.find(nodes, name);
      return node !== undefined && isReadySince(node, startedMs);
    });
    return name;
  }

  private async removeOne(name: string, { timeoutMs = DRAIN_TIMEOUT_MS }: RemoveWorkerOptions): Promise<void> {
    const { supervisor, client } = this.home;
    if (!this.names().includes(name))
      throw new InkubeError("NO_SUCH_ACTOR", `there is no ${name} to remove; there are ${this.names().join(", ")}`);
    if (supervisor.status().find((status) => status.name === name)?.state === "up") await this.drain(name, timeoutMs);
    await supervisor.removeChild(name);
    // What is left of its pods is the pod garbage collector's to remove, as of any node that is gone.
    await gone(() => client.delete(nodes, name));
    await gone(() => client.delete(leases, name, "kube-node-lease"));
    await this.home.actorsChanged();
  }

  /** As `kubectl drain --force`: nothing new comes, and what is there ends gracefully, in the time that it has. */
  private async drain(name: string, timeoutMs: number): Promise<void> {
    const { client, clock } = this.home;
    await gone(() => client.patch(nodes, name, undefined, { spec: { unschedulable: true } }));
    const endMs = clock.monotonicMs() + timeoutMs;
    const asked = new Set<string>();
    for (;;) {
      const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${name}` });
      // Also those that have ended: only their kubelet can say that nothing of them is left.
      if (items.length === 0 || clock.monotonicMs() >= endMs) return;
      const fresh = items.filter(({ metadata }) => !asked.has(metadata?.uid ?? ""));
      await Promise.all(
        fresh.map((pod) => gone(() => client.delete(pods, pod.metadata?.name ?? "", pod.metadata?.namespace))),
      );
      for (const { metadata } of fresh) asked.add(metadata?.uid ?? "");
      await clock.sleep(LOOK_MS);
    }
  }

  private async until(what: string, timeoutMs: number, isMet: () => Promise<boolean>): Promise<void> {
    const { clock } = this.home;
    const endMs = clock.monotonicMs() + timeoutMs;
    while (!(await isMet())) {
      if (clock.monotonicMs() >= endMs) throw new InkubeError("WAIT_TIMEOUT", `waited ${timeoutMs} ms for ${what}`);
      await clock.sleep(LOOK_MS);
    }
  }
}

/** A node of that name may be from before: only a report of this kubelet counts. */
export function isReadySince({ status }: Node, sinceMs: number): boolean {
  return (
    status?.conditions?.some(
      ({ type, status: value, lastHeartbeatTime }) =>
        type === "Ready" && value === "True" && Date.parse(lastHeartbeatTime ?? "") >= sinceMs,
    ) ?? false
  );
}

async function gone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}
