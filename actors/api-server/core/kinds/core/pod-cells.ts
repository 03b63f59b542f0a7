/** The row of a pod in a Table. Source: Kubernetes `pkg/printers/internalversion/printers.go`. */
import type { ContainerStatus, Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { age } from "../../machinery/duration.ts";
import { parseTimeMs } from "../../machinery/time.ts";

/** What the containers' states add up to. */
interface Summary {
  reason: string;
  restarts: number;
  lastRestart: string | undefined;
  ready: number;
}

export function podCells(pod: Pod, nowMs: number): readonly Cell[] {
  const status = pod.status ?? {};
  const conditions = status.conditions ?? [];
  const gated = conditions.some(
    (condition) => condition.type === "PodScheduled" && condition.reason === "SchedulingGated",
  );
  const sidecars = sidecarNames(pod);
  const summary: Summary = {
    reason: gated ? "SchedulingGated" : status.reason || status.phase || "",
    restarts: 0,
    lastRestart: undefined,
    ready: 0,
  };
  const initializing = addInitContainers(pod, sidecars, summary);
  const initialized = conditions.some((condition) => condition.type === "Initialized" && condition.status === "True");
  if (!initializing || initialized) addContainers(pod, sidecars, summary);
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") summary.reason = "Unknown";
    else if (status.phase !== "Succeeded" && status.phase !== "Failed") summary.reason = "Terminating";
  }
  const { restarts, lastRestart } = summary;
  const total = (pod.spec?.containers.length ?? 0) + sidecars.size;
  return [
    pod.metadata?.name ?? "",
    `${summary.ready}/${total}`,
    summary.reason,
    restarts !== 0 && lastRestart !== undefined ? `${restarts} (${age(lastRestart, nowMs)} ago)` : String(restarts),
    age(pod.metadata?.creationTimestamp, nowMs),
    status.podIPs?.[0]?.ip || "<none>",
    pod.spec?.nodeName || "<none>",
    status.nominatedNodeName || "<none>",
    readinessGates(pod),
  ];
}

/** Init containers that run on beside the others. */
function sidecarNames(pod: Pod): ReadonlySet<string> {
  const restartable = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  return new Set(restartable.map((container) => container.name));
}

function countRestarts(container: ContainerStatus, summary: Summary): void {
  summary.restarts += container.restartCount;
  const finishedAt = container.lastState?.terminated?.finishedAt;
  if (finishedAt === undefined) return;
  const [known, other] = [parseTimeMs(summary.lastRestart ?? ""), parseTimeMs(finishedAt)];
  if (other !== undefined && (known === undefined || known < other)) summary.lastRestart = finishedAt;
}

function exitReason(terminated: {
  readonly reason?: string;
  readonly signal?: number;
  readonly exitCode: number;
}): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** Returns whether an init container keeps the pod from starting. */
function addInitContainers(pod: Pod, sidecars: ReadonlySet<string>, summary: Summary): boolean {
  const total = pod.spec?.initContainers?.length ?? 0;
  for (const [i, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    countRestarts(container, summary);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started === true) {
      if (container.ready) summary.ready++;
      continue;
    }
    if (terminated !== undefined) summary.reason = `Init:${exitReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${i}/${total}`;
    return true;
  }
  return false;
}

/** From here on only the restarts of sidecars count among the init containers. */
function addContainers(pod: Pod, sidecars: ReadonlySet<string>, summary: Summary): void {
  summary.restarts = 0;
  summary.lastRestart = undefined;
  for (const container of pod.status?.initContainerStatuses ?? []) {
    if (sidecars.has(container.name)) countRestarts(container, summary);
  }
  let running = false;
  let errorReason = "";
  for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(container, summary);
    const { waiting, terminated } = container.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated !== undefined) {
      summary.reason = exitReason(terminated);
      if (terminated.exitCode !== 0) errorReason = summary.reason;
    } else if (container.ready && container.state?.running !== undefined) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason !== "Completed") return;
  const conditions = pod.status?.conditions ?? [];
  const ready = conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
  if (running && ready) summary.reason = "Running";
  else if (errorReason !== "") summary.reason = errorReason;
  else if (running) summary.reason = "NotReady";
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const conditions = pod.status?.conditions ?? [];
  const met = gates.filter(
    (gate) => conditions.find((condition) => condition.type === gate.conditionType)?.status === "True",
  );
  return `${met.length}/${gates.length}`;
}
