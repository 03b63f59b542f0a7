/**
 * The workers of a running cluster, which come and go: each is a supervisor with its actors in the tree and a Node in the
 * API. One change at a time, so that each sees what the one before has left.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Node, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Supervisor } from "../../runtime/supervisor/supervisor.ts";
import type { Client } from "../client/client.ts";
import type { Informer, Selector } from "../client/informer.ts";
import type { Resource } from "../client/resources.ts";
import { leases, nodes, pods } from "../client/resources.ts";
import { WORKERS_MAX } from "./options.ts";
import type { TopologyOptions } from "./topology.ts";
import { workerSpec } from "./topology.ts";
import type { Look } from "./wait.ts";
import { metInTime } from "./wait.ts";

export interface RemoveWorkerOptions {
  /** How long its pods have to end before they are cut off; default 30,000. */
  readonly timeoutMs?: number;
}

/** As long as a pod's grace period is by default. */
const DRAIN_TIMEOUT_MS = 30_000;
/** As `startTimeoutMs` of an actor, and some heartbeats. */
const READY_TIMEOUT_MS = 30_000;
const WORKER = /^worker-(\d+)$/;

/** What the workers need of their cluster. */
export interface WorkersHome {
  readonly supervisor: Supervisor;
  readonly client: Client;
  readonly clock: Clock;
  readonly topology: TopologyOptions;
  informer<T extends KubernetesObject>(resource: Resource<T>, selector: Selector): Informer<T>;
  /** Tells why nobody will answer any more, at once when that is so already. Returns how to stop listening. */
  readonly whenOver: Look<Node>["whenOver"];
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

  /** Adds what is missing, or removes the newest. Resolves with how many there were. Errors: as `add` and `remove`. */
  scale(count: number): Promise<number> {
    return this.inTurn(async () => {
      const before = this.indices().length;
      while (this.indices().length < count) await this.addOne();
      while (this.indices().length > count) await this.removeOne(this.names().at(-1)!, {});
      return before;
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
    const selector = { fieldSelector: `metadata.name=${name}` };
    const isReady = await this.met(nodes, selector, READY_TIMEOUT_MS, (found) =>
      found.some((node) => isReadySince(node, startedMs)),
    );
    if (!isReady) throw new InkubeError("WAIT_TIMEOUT", `waited ${READY_TIMEOUT_MS} ms for node ${name} to be Ready`);
    return name;
  }

  private async removeOne(name: string, { timeoutMs = DRAIN_TIMEOUT_MS }: RemoveWorkerOptions): Promise<void> {
    const { supervisor, client, topology } = this.home;
    if (!this.names().includes(name))
      throw new InkubeError("NO_SUCH_ACTOR", `there is no ${name} to remove; there are ${this.names().join(", ")}`);
    if (supervisor.status().find((status) => status.name === name)?.state === "up") await this.drain(name, timeoutMs);
    await supervisor.removeChild(name);
    await gone(() => client.delete(nodes, name));
    await gone(() => client.delete(leases, name, "kube-node-lease"));
    // What is left of its pods is the pod garbage collector's to remove, as of any node that is gone. Without controllers it is ours.
    if (topology.controllers === false) await this.removePods(name);
    await this.home.actorsChanged();
  }

  /** As `kubectl drain --force`: nothing new comes, and what is there ends gracefully, in the time that it has. */
  private async drain(name: string, timeoutMs: number): Promise<void> {
    const { client } = this.home;
    await gone(() => client.patch(nodes, name, undefined, { spec: { unschedulable: true } }));
    const asked = new Set<string>();
    await this.met(pods, { fieldSelector: `spec.nodeName=${name}` }, timeoutMs, async (left) => {
      const fresh = left.filter(({ metadata }) => !asked.has(metadata?.uid ?? ""));
      for (const { metadata } of fresh) asked.add(metadata?.uid ?? "");
      await Promise.all(fresh.map((pod) => this.deletePod(pod)));
      // Also those that have ended: only their kubelet can say that nothing of them is left.
      return left.length === 0;
    });
  }

  /** At once: their kubelet is gone. */
  private async removePods(nodeName: string): Promise<void> {
    const { items } = await this.home.client.list(pods, { fieldSelector: `spec.nodeName=${nodeName}` });
    await Promise.all(items.map((pod) => this.deletePod(pod, { gracePeriodSeconds: 0 })));
  }

  private deletePod({ metadata }: Pod, options: { readonly gracePeriodSeconds?: number } = {}): Promise<void> {
    return gone(() => this.home.client.delete(pods, metadata?.name ?? "", metadata?.namespace, options));
  }

  private met<T extends KubernetesObject>(
    resource: Resource<T>,
    selector: Selector,
    timeoutMs: number,
    isMet: Look<T>["isMet"],
  ): Promise<boolean> {
    const { clock, whenOver } = this.home;
    return metInTime({ informer: this.home.informer(resource, selector), isMet, timeoutMs, clock, whenOver });
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
