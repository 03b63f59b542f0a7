/**
 * The status of a pod, from what its containers are.
 * @see k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go (getPhase) and pkg/kubelet/status/generate.go
 */
import { LOST_CONTAINER } from "../../../protocols/container-runtime.ts";
import type { ContainerStatus as RuntimeStatus, PodSandboxStatus } from "../../../protocols/container-runtime.ts";
import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodCondition,
  PodPhase,
  PodStatus,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import { qosClassOf } from "./quantity.ts";

/** What the worker of a pod knows about one of its containers. */
export interface ContainerView {
  readonly spec: Container;
  readonly isInit: boolean;
  /** An init container that goes on beside the others (KEP-753). */
  readonly isSidecar: boolean;
  /** Added to look into the pod: it counts for nothing else. */
  readonly isEphemeral: boolean;
  readonly latest: RuntimeStatus | undefined;
  readonly previous: RuntimeStatus | undefined;
  /** Of one that has ended, whether the runtime still knows of it or not. */
  readonly exitCode: number | undefined;
  /** Why it isn't running while it should be; undefined when it is, or needn't be. */
  readonly waiting: { readonly reason: string; readonly message?: string } | undefined;
  /** Whether it ended and will not be started again. */
  readonly isOver: boolean;
  readonly ready: boolean;
  readonly started: boolean;
  /** What the API server had of it before this kubelet started. */
  readonly reported: ContainerStatus | undefined;
}

export interface PodView {
  readonly pod: Pod;
  /** What was said last, which the API server may not have yet. */
  readonly last: PodStatus | undefined;
  readonly sandbox: PodSandboxStatus | undefined;
  /** Its volumes have been filled. */
  readonly hasVolumes: boolean;
  readonly containers: readonly ContainerView[];
  readonly hostIP: string;
  readonly startTimeMs: number;
  /** The pod is being ended: nothing is started any more. */
  readonly isEnding: boolean;
  /** Set once the kubelet has given the pod up. */
  readonly failure: PodFailure | undefined;
}

export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  /** Reason of its condition DisruptionTarget; absent: it has none. */
  readonly disruptedBy?: string;
}

export function podStatusOf(view: PodView, nowMs: number): PodStatus {
  const { pod, sandbox, failure } = view;
  const init = view.containers.filter(({ isInit }) => isInit);
  const ephemeral = view.containers.filter(({ isEphemeral }) => isEphemeral);
  const main = view.containers.filter(({ isInit, isEphemeral }) => !isInit && !isEphemeral);
  const phase = phaseOf(view);
  const old = pod.status;
  // What has ended keeps the address that it had.
  const ip = sandbox?.network.ip ?? (isTerminal(phase) ? old?.podIP : undefined);
  const generation = pod.metadata?.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(failure === undefined ? {} : { reason: failure.reason }),
    ...(failure === undefined || failure.message === "" ? {} : { message: failure.message }),
    conditions: conditionsOf(view, phase, nowMs),
    hostIP: view.hostIP,
    hostIPs: [{ ip: view.hostIP }],
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: old?.startTime ?? formatTime(view.startTimeMs),
    ...(init.length === 0 ? {} : { initContainerStatuses: init.map((container) => containerStatusOf(container)) }),
    containerStatuses: main.map((container) => containerStatusOf(container)),
    ...(ephemeral.length === 0
      ? {}
      : { ephemeralContainerStatuses: ephemeral.map((container) => containerStatusOf(container)) }),
    qosClass: old?.qosClass ?? qosClassOf(pod),
  };
}

/** Whether a status only says that the pod is on its way: one that needn't be seen if a better one comes soon. */
export function isInterim(status: PodStatus): boolean {
  if (status.phase !== "Pending") return false;
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
  const all = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  return all.every(({ state, lastState }) => {
    const reason = state?.waiting?.reason;
    const isUsual = reason === undefined || reason === "ContainerCreating" || reason === "PodInitializing";
    return isUsual && lastState?.terminated === undefined;
  });
}

export function isTerminal(phase: PodPhase | undefined): phase is "Succeeded" | "Failed" {
  return phase === "Succeeded" || phase === "Failed";
}

function phaseOf(view: PodView): PodPhase {
  const { pod, containers, failure } = view;
  if (failure !== undefined) return "Failed";
  // Whoever has said so: a pod that has ended stays so.
  for (const settled of [view.last?.phase, pod.status?.phase]) if (isTerminal(settled)) return settled;
  const counts = { pending: 0, failedInit: 0, waiting: 0, running: 0, restarting: 0, succeeded: 0, failed: 0 };
  for (const container of containers) {
    const { latest, exitCode } = container;
    if (container.isSidecar || container.isEphemeral) continue;
    if (container.isInit) {
      if (exitCode !== undefined) {
        if (exitCode === 0) continue;
        if (container.isOver) counts.failedInit++;
        else counts.pending++;
      } else if (!hasStartedMain(containers)) counts.pending++;
      continue;
    }
    if (latest?.state === "CONTAINER_RUNNING") counts.running++;
    else if (exitCode !== undefined) {
      if (!container.isOver) counts.restarting++;
      else if (exitCode === 0) counts.succeeded++;
      else counts.failed++;
    } else if (container.reported?.lastState?.terminated !== undefined) counts.restarting++;
    else counts.waiting++;
  }
  if (counts.failedInit > 0) return "Failed";
  if (counts.pending > 0 || counts.waiting > 0) return "Pending";
  if (counts.running > 0 || counts.restarting > 0) return "Running";
  return counts.failed === 0 ? "Succeeded" : "Failed";
}

function hasStartedMain(containers: readonly ContainerView[]): boolean {
  return containers.some(
    ({ isInit, isEphemeral, latest }) => !isInit && !isEphemeral && latest !== undefined && latest.startedAtMs > 0,
  );
}

function containerStatusOf(container: ContainerView): ContainerStatus {
  const { spec, latest, previous, reported, waiting, ready, started } = container;
  const base = { name: spec.name, ready, image: spec.image ?? "", started };
  if (latest === undefined) {
    // The runtime has forgotten one that had ended: what was said of its end is still true.
    if (container.isOver && reported?.state?.terminated !== undefined) return { ...reported, ready };
    const lost = reported?.containerID !== undefined ? lostState(reported) : undefined;
    return {
      ...base,
      state: { waiting: waiting ?? { reason: "ContainerCreating" } },
      ...(lost === undefined ? {} : { lastState: { terminated: lost } }),
      restartCount: reported?.restartCount ?? 0,
      imageID: "",
    };
  }
  const isOver = latest.state === "CONTAINER_EXITED";
  const last = previous === undefined ? undefined : terminatedOf(previous);
  const showsWaiting = latest.state === "CONTAINER_CREATED" || (isOver && waiting !== undefined);
  const state: ContainerState = showsWaiting
    ? { waiting: waiting ?? { reason: "ContainerCreating" } }
    : isOver
      ? { terminated: terminatedOf(latest) }
      : { running: { startedAt: formatTime(latest.startedAtMs) } };
  const lastTerminated = isOver && showsWaiting ? terminatedOf(latest) : (last ?? reported?.lastState?.terminated);
  return {
    ...base,
    state,
    lastState: lastTerminated === undefined ? {} : { terminated: lastTerminated },
    restartCount: latest.metadata.attempt,
    image: latest.image,
    imageID: latest.imageRef,
    containerID: containerId(latest.id),
  };
}

/** As in statuses: the runtime's name, then its id. */
export function containerId(id: string): string {
  return `inkube://${id}`;
}

function terminatedOf(status: RuntimeStatus): ContainerStateTerminated {
  return {
    exitCode: status.exitCode,
    reason: status.reason,
    ...(status.message === "" ? {} : { message: status.message }),
    startedAt: formatTime(status.startedAtMs),
    finishedAt: formatTime(status.finishedAtMs),
    containerID: containerId(status.id),
  };
}

/** A container that the API server knows as started and the runtime doesn't know at all. */
function lostState(reported: ContainerStatus): ContainerStateTerminated {
  return (
    reported.state?.terminated ??
    reported.lastState?.terminated ?? {
      exitCode: 137,
      reason: LOST_CONTAINER,
      message: "the container was gone when the kubelet came back",
      ...(reported.containerID === undefined ? {} : { containerID: reported.containerID }),
    }
  );
}

function conditionsOf(view: PodView, phase: PodPhase, nowMs: number): readonly PodCondition[] {
  const { pod, containers, sandbox } = view;
  const generation = pod.metadata?.generation;
  const reported = pod.status?.conditions ?? [];
  const isDone = isTerminal(phase);
  const unready = containers.filter(
    ({ isInit, isSidecar, isEphemeral, ready }) => (!isInit || isSidecar) && !isEphemeral && !ready,
  );
  const uninitialized = containers.filter(
    ({ isInit, isSidecar, exitCode, started }) => isInit && (isSidecar ? !started : exitCode !== 0),
  );
  const initialized = uninitialized.length === 0 || hasStartedMain(containers);
  const condition = (type: string, isTrue: boolean, reason?: string, message?: string): PodCondition => {
    const status = isTrue ? "True" : "False";
    const before = (view.last?.conditions ?? reported).find((one) => one.type === type);
    const since = before?.status === status ? before.lastTransitionTime : undefined;
    return {
      type,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      status,
      lastTransitionTime: since ?? formatTime(nowMs),
      ...(isTrue || reason === undefined ? {} : { reason }),
      ...(isTrue || message === undefined ? {} : { message }),
    };
  };
  const names = (some: readonly ContainerView[]): string => some.map(({ spec }) => spec.name).join(" ");
  const notReady = isDone
    ? { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed", message: undefined }
    : { reason: "ContainersNotReady", message: `containers with unready status: [${names(unready)}]` };
  const containersReady = !isDone && unready.length === 0;
  const closed = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = reported.find((one) => one.type === conditionType);
    if (gate === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (gate.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`];
  });
  const ready = containersReady && closed.length === 0;
  const readyWhy = containersReady ? { reason: "ReadinessGatesNotReady", message: closed.join(", ") } : notReady;
  const ours = [
    condition("PodReadyToStartContainers", sandbox?.state === "SANDBOX_READY" && view.hasVolumes && !isDone),
    condition(
      "Initialized",
      initialized,
      "ContainersNotInitialized",
      `containers with incomplete status: [${names(uninitialized)}]`,
    ),
    condition("Ready", ready, readyWhy.reason, readyWhy.message),
    condition("ContainersReady", containersReady, notReady.reason, notReady.message),
  ];
  if (view.failure?.disruptedBy !== undefined) {
    const { disruptedBy: reason, message } = view.failure;
    ours.push({ ...condition("DisruptionTarget", true), reason, message });
  }
  const others = reported.filter(({ type }) => ours.every((one) => one.type !== type));
  if (others.some(({ type }) => type === "PodScheduled")) return [...ours, ...others];
  return [...ours, ...others, condition("PodScheduled", true)];
}

function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19) + "Z";
}
