/**
 * What must hold of the objects at every revision: addresses and node ports are given out once, controllers make no more
 * pods than they were asked for, and a Deployment says Available only with enough pods that are.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { Deployment, ReplicaSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { Node, Pod, Service } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { broken } from "./broken.ts";

/** How long a pod may be said to be unready on a Ready node though all of its containers are ready. */
const UNREADY_MS = 20_000;
/** Of simulated containers: so long after its start one ends by itself. */
const EXIT_AFTER = "inkube.dev/simulated-exit-after-ms";
/** How long one that has ended may still be said to run. */
const ENDED_MS = 20_000;
/** How long a controller may act on the number of replicas that its ReplicaSet had before. */
const STALE_MS = 5_000;

interface Asked {
  readonly replicas: number;
  readonly atMs: number;
}

export class ClusterState {
  private readonly objects = new Map<string, KubernetesObject>();
  /** Numbers of replicas that each ReplicaSet has asked for, newest last, by uid. */
  private readonly asked = new Map<string, Asked[]>();
  /** Since when pods are unready although their containers are ready, and nodes are Ready. */
  private readonly unreadySinceMs = new Map<string, number>();
  private readonly readySinceMs = new Map<string, number>();
  /** Pods of one container that ends by itself: which one is said to run, and since when. */
  private readonly running = new Map<string, { readonly id: string; readonly sinceMs: number }>();

  /** An object after a revision, or undefined when it is gone. Errors: PROMISE_BROKEN. */
  set(key: string, object: KubernetesObject | undefined, nowMs: number): void {
    const before = this.objects.get(key);
    if (object === undefined) {
      this.objects.delete(key);
      this.unreadySinceMs.delete(key);
      this.running.delete(key);
      return;
    }
    this.objects.set(key, object);
    if (object.kind === "Pod") {
      keepSince(this.unreadySinceMs, key, isWronglyUnready(object), nowMs);
      this.noteRunning(key, object, nowMs);
    }
    if (object.kind === "Node") keepSince(this.readySinceMs, object.metadata?.name ?? "", isReady(object), nowMs);
    switch (object.kind) {
      case "Service":
        return this.checkService(key, object);
      case "Pod":
        this.checkPodAddress(key, object);
        if (before === undefined) this.checkPodCount(object, nowMs);
        return;
      case "ReplicaSet":
        return this.noteReplicas(object, nowMs);
      case "Deployment":
        return checkAvailable(object);
      case undefined:
      default:
    }
  }

  /** To be asked now and then. Errors: PROMISE_BROKEN for what has not been mended for too long. */
  checkOverdue(nowMs: number): void {
    for (const [key, sinceMs] of this.unreadySinceMs) {
      const forMs = this.watchedMs(key, sinceMs, nowMs);
      if (forMs > UNREADY_MS) {
        throw broken(`${key} is unready for ${forMs.toFixed(0)} ms on a Ready node with all containers ready`);
      }
    }
    for (const [key, { id, sinceMs }] of this.running) {
      const exitAfterMs = Number((this.objects.get(key) as Pod).metadata?.annotations?.[EXIT_AFTER]);
      if (this.watchedMs(key, sinceMs + exitAfterMs, nowMs) > ENDED_MS) {
        throw broken(`${key} is said to run ${id}, which has ended at ${(sinceMs + exitAfterMs).toFixed(0)} ms`);
      }
    }
  }

  /** How long since `sinceMs` the pod's node has been Ready; negative for what is to come. */
  private watchedMs(key: string, sinceMs: number, nowMs: number): number {
    const node = (this.objects.get(key) as Pod).spec?.nodeName ?? "";
    return nowMs - Math.max(sinceMs, this.readySinceMs.get(node) ?? nowMs);
  }

  private noteRunning(key: string, { metadata, status }: Pod, nowMs: number): void {
    const [container] = status?.containerStatuses ?? [];
    const id = container?.state?.running === undefined ? undefined : container.containerID;
    if (id === undefined || metadata?.annotations?.[EXIT_AFTER] === undefined) this.running.delete(key);
    else if (this.running.get(key)?.id !== id) this.running.set(key, { id, sinceMs: nowMs });
  }

  *all<T extends KubernetesObject>(kind: string): Generator<readonly [string, T]> {
    for (const [key, object] of this.objects) if (object.kind === kind) yield [key, object as T];
  }

  private checkService(key: string, service: Service): void {
    const mine = claimsOf(service);
    for (const [other, held] of this.all<Service>("Service")) {
      if (other === key) continue;
      const twice = claimsOf(held).find((claim) => mine.includes(claim));
      if (twice !== undefined) throw broken(`${key} and ${other} both have ${twice}`);
    }
  }

  private checkPodAddress(key: string, pod: Pod): void {
    if (!isServing(pod)) return;
    for (const [other, running] of this.all<Pod>("Pod")) {
      if (other === key || !isServing(running) || running.spec?.nodeName !== pod.spec?.nodeName) continue;
      if (running.status?.podIP === pod.status?.podIP) {
        throw broken(`${key} and ${other} are Ready at ${pod.status?.podIP} on ${pod.spec?.nodeName}`);
      }
    }
  }

  /** Counted when a pod is made: the controller may act on a state that is a little old, but not make pods beyond it. */
  private checkPodCount(pod: Pod, nowMs: number): void {
    const owner = ownerOf(pod);
    if (owner === undefined) return;
    const asked = (this.asked.get(owner) ?? []).filter(
      (_, at, all) => at === all.length - 1 || nowMs - all[at + 1]!.atMs <= STALE_MS,
    );
    if (asked.length === 0) return;
    const most = Math.max(...asked.map(({ replicas }) => replicas));
    const active = [...this.all<Pod>("Pod")].filter(([, other]) => ownerOf(other) === owner && isActive(other));
    if (active.length > most) {
      throw broken(`${pod.metadata?.name} is the ${active.length}th pod of a ReplicaSet that asks for ${most}`);
    }
  }

  private noteReplicas(set: ReplicaSet, nowMs: number): void {
    const uid = set.metadata?.uid ?? "";
    const asked = this.asked.get(uid) ?? [];
    const replicas = set.spec?.replicas ?? 1;
    if (asked.at(-1)?.replicas === replicas) return;
    asked.push({ replicas, atMs: nowMs });
    this.asked.set(uid, asked);
  }
}

function claimsOf({ spec }: Service): readonly string[] {
  const ips = (spec?.clusterIPs ?? []).filter((ip) => ip !== "None" && ip !== "").map((ip) => `cluster IP ${ip}`);
  const ports = (spec?.ports ?? [])
    .filter(({ nodePort }) => nodePort !== undefined && nodePort !== 0)
    .map(({ nodePort, protocol }) => `node port ${nodePort}/${protocol ?? "TCP"}`);
  return [...ips, ...ports];
}

function keepSince(since: Map<string, number>, key: string, holds: boolean, nowMs: number): void {
  if (!holds) since.delete(key);
  else if (!since.has(key)) since.set(key, nowMs);
}

function isReady({ status }: Pod | Node): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === "Ready" && value === "True");
}

function isWronglyUnready(pod: Pod): boolean {
  const { metadata, spec, status } = pod;
  const containers = status?.containerStatuses ?? [];
  if (metadata?.deletionTimestamp !== undefined || status?.phase !== "Running" || isReady(pod)) return false;
  return containers.length === spec?.containers.length && containers.every(({ ready }) => ready);
}

function isServing(pod: Pod): boolean {
  const { metadata, spec, status } = pod;
  const hasAddress = spec?.hostNetwork !== true && (status?.podIP ?? "") !== "";
  return metadata?.deletionTimestamp === undefined && hasAddress && isReady(pod);
}

function isActive({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

function ownerOf(pod: Pod): string | undefined {
  return pod.metadata?.ownerReferences?.find(({ controller, kind }) => controller === true && kind === "ReplicaSet")
    ?.uid;
}

/**
 * Available means at least `replicas` less `maxUnavailable` available pods; a Recreate Deployment may lack none.
 * @see deploymentutil.MaxUnavailable and syncRolloutStatus of Kubernetes' deployment controller
 */
function checkAvailable({ metadata, spec, status }: Deployment): void {
  const available = status?.conditions?.find(({ type }) => type === "Available");
  if (available?.status !== "True" || status?.observedGeneration !== metadata?.generation) return;
  const replicas = spec?.replicas ?? 1;
  const wanted = replicas - (spec?.strategy?.type === "Recreate" ? 0 : maxUnavailable(spec, replicas));
  const ready = status?.availableReplicas ?? 0;
  if (ready < wanted) {
    throw broken(`Deployment ${metadata?.name} is Available with ${ready} available pods of at least ${wanted}`);
  }
}

/** Percentages are rounded down; when both limits come to 0, one pod may be unavailable. */
function maxUnavailable(spec: Deployment["spec"], replicas: number): number {
  const { maxUnavailable: most = "25%", maxSurge: surge = "25%" } = spec?.strategy?.rollingUpdate ?? {};
  const count = (value: number | string, round: (share: number) => number): number =>
    typeof value === "number" ? value : round((Number.parseInt(value, 10) * replicas) / 100);
  const lack = Math.min(count(most, Math.floor), replicas);
  return lack === 0 && count(surge, Math.ceil) === 0 ? 1 : lack;
}
