/**
 * What the scheduler needs of a pod, worked out once: its requests, its ports, its owner.
 *
 * @see k8s.io/component-helpers/resource (PodRequests) for the sum over containers, sidecars and init containers
 */
import type { Container, Pod, Toleration } from "../../../protocols/kubernetes/types/core-v1.ts";
import { tryParseQuantity } from "../../../protocols/kubernetes/quantity.ts";
import type { Labels } from "../../../protocols/kubernetes/selectors.ts";
import type { PodTerms } from "./pod-terms.ts";
import { NO_TERMS, podTerms } from "./pod-terms.ts";

export interface Resources {
  cpuMilli: number;
  memoryBytes: number;
  ephemeralBytes: number;
  /** Extended resources by name. */
  readonly extended: Map<string, number>;
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodInfo {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly uid: string;
  readonly pod: Pod;
  readonly labels: Labels;
  /** Being deleted: it takes room until it is gone, and is spread by no more. */
  readonly terminating: boolean;
  readonly requests: Resources;
  /** As `requests`, but never 0 for CPU and memory: scores must tell a crowded node from an empty one. */
  readonly scoredCpuMilli: number;
  readonly scoredMemoryBytes: number;
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  readonly priority: number;
  /** Where an earlier attempt has made room for it; "": nowhere. */
  readonly nominatedNode: string;
  readonly hasTerms: boolean;
  readonly terms: PodTerms;
}

const NO_LABELS: Labels = {};

/** Assumed for scoring where a container asks for nothing. @see pkg/scheduler/util/pod_resources.go */
const UNREQUESTED_CPU_MILLI = 100;
const UNREQUESTED_MEMORY_BYTES = 200 * 1024 * 1024;

export function podInfo(pod: Pod): PodInfo {
  const { metadata, spec } = pod;
  const requests = podRequests(pod, 0, 0);
  const scored = podRequests(pod, UNREQUESTED_CPU_MILLI, UNREQUESTED_MEMORY_BYTES);
  const namespace = metadata?.namespace ?? "";
  const terms = podTerms(pod);
  return {
    key: `${namespace}/${metadata?.name ?? ""}`,
    namespace,
    uid: metadata?.uid ?? "",
    pod,
    labels: metadata?.labels ?? NO_LABELS,
    terminating: metadata?.deletionTimestamp !== undefined,
    requests,
    scoredCpuMilli: scored.cpuMilli,
    scoredMemoryBytes: scored.memoryBytes,
    hostPorts: hostPortsOf(pod),
    tolerations: spec?.tolerations ?? [],
    priority: spec?.priority ?? 0,
    nominatedNode: pod.status?.nominatedNodeName ?? "",
    hasTerms: terms !== NO_TERMS,
    terms,
  };
}

export function emptyResources(): Resources {
  return { cpuMilli: 0, memoryBytes: 0, ephemeralBytes: 0, extended: new Map() };
}

export function addResources(to: Resources, from: Resources, sign: 1 | -1 = 1): void {
  to.cpuMilli += sign * from.cpuMilli;
  to.memoryBytes += sign * from.memoryBytes;
  to.ephemeralBytes += sign * from.ephemeralBytes;
  for (const [name, amount] of from.extended) to.extended.set(name, (to.extended.get(name) ?? 0) + sign * amount);
}

/** In whole units, rounded up; 0 for what is no quantity: the API server has let none through. */
export function units(quantity: string): number {
  return Math.ceil(nano(quantity) / 1e9);
}

function thousandths(quantity: string): number {
  return Math.ceil(nano(quantity) / 1e6);
}

function nano(quantity: string): number {
  return Number(tryParseQuantity(quantity)?.nano ?? 0n);
}

/** A list of resources by name (`requests`, `allocatable`) as numbers. */
export function resourcesOf(list: Readonly<Record<string, string>> | undefined): Resources {
  const resources = emptyResources();
  for (const [name, quantity] of Object.entries(list ?? {})) {
    switch (name) {
      case "cpu":
        resources.cpuMilli = thousandths(quantity);
        break;
      case "memory":
        resources.memoryBytes = units(quantity);
        break;
      case "ephemeral-storage":
        resources.ephemeralBytes = units(quantity);
        break;
      case "pods":
        break;
      default:
        resources.extended.set(name, units(quantity));
    }
  }
  return resources;
}

/**
 * The most that a pod needs at any moment: all containers and sidecars together, or one init container with the
 * sidecars started before it; what the pod asks for as a whole counts instead; plus the overhead of its runtime class.
 */
function podRequests(pod: Pod, cpuMilliFloor: number, memoryBytesFloor: number): Resources {
  const ofContainer = (container: Container): Resources => {
    const resources = resourcesOf(container.resources?.requests);
    if (container.resources?.requests?.["cpu"] === undefined) resources.cpuMilli = cpuMilliFloor;
    if (container.resources?.requests?.["memory"] === undefined) resources.memoryBytes = memoryBytesFloor;
    return resources;
  };
  const total = emptyResources();
  for (const container of pod.spec?.containers ?? []) addResources(total, ofContainer(container));
  const sidecars = emptyResources();
  const initPeak = emptyResources();
  for (const container of pod.spec?.initContainers ?? []) {
    const needed = ofContainer(container);
    if (container.restartPolicy === "Always") {
      addResources(total, needed);
      addResources(sidecars, needed);
      raise(initPeak, sidecars);
    } else {
      addResources(needed, sidecars);
      raise(initPeak, needed);
    }
  }
  raise(total, initPeak);
  const ofPod = pod.spec?.resources?.requests ?? {};
  const whole = resourcesOf(ofPod);
  if (ofPod["cpu"] !== undefined) total.cpuMilli = whole.cpuMilli;
  if (ofPod["memory"] !== undefined) total.memoryBytes = whole.memoryBytes;
  for (const [name, amount] of whole.extended) total.extended.set(name, amount);
  addResources(total, resourcesOf(pod.spec?.overhead));
  return total;
}

function raise(to: Resources, by: Resources): void {
  to.cpuMilli = Math.max(to.cpuMilli, by.cpuMilli);
  to.memoryBytes = Math.max(to.memoryBytes, by.memoryBytes);
  to.ephemeralBytes = Math.max(to.ephemeralBytes, by.ephemeralBytes);
  for (const [name, amount] of by.extended) to.extended.set(name, Math.max(to.extended.get(name) ?? 0, amount));
}

function hostPortsOf(pod: Pod): readonly HostPort[] {
  const ports: HostPort[] = [];
  for (const container of pod.spec?.containers ?? []) {
    for (const port of container.ports ?? []) {
      const hostPort = port.hostPort ?? 0;
      if (hostPort > 0) ports.push({ ip: port.hostIP ?? "0.0.0.0", protocol: port.protocol ?? "TCP", port: hostPort });
    }
  }
  return ports;
}
