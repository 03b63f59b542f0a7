/**
 * One state machine, and so one file: what a pod's worker does next. It is told of the pod, of its containers and of how operations
 * went; `step` answers with the operations to begin, the events to tell and the status to report. It decides by what is, not
 * by what happened: a step at any moment, after any loss, leads towards the pod that was asked for.
 * @see k8s.io/kubernetes/pkg/kubelet/kuberuntime (computePodActions) and pkg/kubelet/pod_workers.go
 */
import { LOST_CONTAINER } from "../../../protocols/container-runtime.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../../protocols/container-runtime.ts";
import type {
  Container,
  ContainerStateTerminated,
  Pod,
  PodStatus,
  Probe,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import type { BackOff, BackOffLimits } from "./crash-back-off.ts";
import { nextBackOff, waitsUntil } from "./crash-back-off.ts";
import { EVICTED } from "./eviction.ts";
import type { ContainerView, PodFailure } from "./pod-status.ts";
import { containerId, isTerminal, podStatusOf } from "./pod-status.ts";
import type { ProbeKind } from "./prober.ts";
import { ProbeSchedule } from "./prober.ts";
import { isRestarted, isSidecar } from "./restart-policy.ts";
import { isOlder } from "./runtime-news.ts";
import { containersOf } from "./sources.ts";
import { hasOtherDownwardFiles } from "./volumes.ts";

/** Wall time is for what is shown and compared with the runtime's times, monotonic time for everything else. */
export interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface PodWorkerOptions {
  readonly hostIP: string;
  readonly crashBackOff: BackOffLimits;
  readonly imageBackOff: BackOffLimits;
  readonly retry: BackOffLimits;
  readonly eagerProbeMs: number;
}

export type Operation =
  /** Fill the pod's volumes. */
  | { readonly op: "volumes" }
  | { readonly op: "sandbox"; readonly attempt: number }
  /** Pull, create, start. */
  | { readonly op: "start"; readonly container: string; readonly attempt: number }
  | {
      readonly op: "stop";
      readonly container: string;
      readonly containerId: string;
      readonly graceMs: number;
      readonly runPreStop: boolean;
    }
  /** Forget a container that has ended. */
  | { readonly op: "remove"; readonly containerId: string }
  | { readonly op: "probe"; readonly container: string; readonly containerId: string; readonly kind: ProbeKind }
  /** Remove sandbox, volumes and logs. */
  | { readonly op: "cleanup" }
  /** Report the last status, then take the pod out of the API. */
  | { readonly op: "delete" };

export interface PodEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly container?: string;
}

export interface Step {
  readonly operations: readonly Operation[];
  readonly events: readonly PodEvent[];
  readonly status: PodStatus;
  /** When to step again if nothing happens; infinite for never. */
  readonly wakeInMs: number;
  /** Nothing is left of the pod: its worker can go. */
  readonly isFinished: boolean;
}

/** Why an operation failed, as its worker needs to know. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

const PULL_FAILED = "ErrImagePull";
/** What a container waits for that has no image, by the code of the failure. */
const PULL_REASONS: ReadonlyMap<string, string> = new Map([
  ["IMAGE_NOT_FOUND", PULL_FAILED],
  ["IMAGE_NEVER_PULLED", "ErrImageNeverPull"],
  ["INVALID_IMAGE_NAME", "InvalidImageName"],
]);
/** How long a failed pull shows as ErrImagePull before it shows as ImagePullBackOff. */
const PULL_ERROR_SHOWN_MS = 1_000;
/** How long a container may take to listen on its ports before it is ready without them, where that matters. */
const PLACE_WAIT_MS = 10_000;
/** Default of `spec.terminationGracePeriodSeconds`. */
const GRACE_SECONDS = 30;
/** Of one that is evicted for what its node lacks now. As Kubernetes. */
const EVICTION_GRACE_MS = 1_000;
/** Ended attempts of a container that are kept beside its latest one, for `logs --previous`. */
const KEPT_ATTEMPTS = 1;

interface Retry {
  readonly backOff: BackOff;
  readonly untilMs: number;
  readonly reason: string;
  readonly message: string;
}

interface ContainerMemory {
  crash: BackOff | undefined;
  pull: (Retry & { readonly failedMs: number }) | undefined;
  failure: Retry | undefined;
  /** The ended container whose back-off was told as an event. */
  toldBackOffOf: string | undefined;
}

interface Ending {
  readonly graceMs: number;
  readonly failure: PodFailure | undefined;
}

export class PodWorker {
  private pod: Pod;
  private readonly options: PodWorkerOptions;
  private readonly startTimeMs: number;
  private sandbox: PodSandboxStatus | undefined;
  private readonly containers = new Map<string, ContainerStatus>();
  private readonly memory = new Map<string, ContainerMemory>();
  private readonly probes = new Map<string, ProbeSchedule[]>();
  /** Containers that have not told where they listen for so long that they are taken to listen nowhere. */
  private readonly impatient = new Set<string>();
  private readonly inFlight = new Set<string>();
  /** By when a container that is being stopped has to be gone, and whether for the pod's own end. */
  private readonly stopping = new Map<string, number>();
  private readonly retries = new Map<string, Retry>();
  /** `stale`: filled, with what is no longer all true. Containers need not wait for that. */
  private volumes: "awaited" | "filled" | "stale";
  /** Something has changed since the volumes were last begun to be filled. */
  private wereChanged = false;
  private isRemoved = false;
  private isDeleted = false;
  private isCleaned = false;
  private failure: PodFailure | undefined;
  /** The status of the last step: newer than what the API server has. */
  private lastStatus: PodStatus | undefined;
  private operations: Operation[] = [];
  private events: PodEvent[] = [];
  private wakeInMs = Number.POSITIVE_INFINITY;

  constructor(pod: Pod, options: PodWorkerOptions, now: Now) {
    this.pod = pod;
    this.options = options;
    this.startTimeMs = now.wallMs;
    this.volumes = (pod.spec?.volumes ?? []).length === 0 ? "filled" : "awaited";
    this.noteFailure();
  }

  get current(): Pod {
    return this.pod;
  }

  get sandboxStatus(): PodSandboxStatus | undefined {
    return this.sandbox;
  }

  get runtimeContainers(): readonly ContainerStatus[] {
    return [...this.containers.values()];
  }

  setPod(pod: Pod): void {
    if (hasOtherDownwardFiles(this.pod, pod)) this.volumesChanged();
    this.pod = pod;
    this.noteFailure();
  }

  /** A pod that has failed, whoever said so, is not brought back to life. */
  private noteFailure(): void {
    const { phase, reason = "", message = "" } = this.pod.status ?? {};
    if (phase === "Failed" && reason !== "") this.failure ??= { reason, message };
  }

  /** The node can't keep it: it fails, and its containers have little time to end. */
  evict(message: string): void {
    this.failure ??= { reason: EVICTED, message, disruptedBy: "TerminationByKubelet" };
    this.tell("Warning", EVICTED, message);
  }

  /** The node does not take it: it fails before anything of it is started. */
  reject(message: string): void {
    this.failure ??= { reason: EVICTED, message };
    this.tell("Warning", EVICTED, message);
  }

  /** Whether it is neither over nor being ended. */
  get isActive(): boolean {
    const isLeaving = this.isRemoved || this.pod.metadata?.deletionTimestamp !== undefined;
    const phases = [this.lastStatus?.phase, this.pod.status?.phase];
    return !isLeaving && this.failure === undefined && !phases.some((phase) => isTerminal(phase));
  }

  /** The pod is no longer in the API. */
  remove(): void {
    this.isRemoved = true;
  }

  setSandbox(sandbox: PodSandboxStatus | undefined): void {
    this.sandbox = sandbox;
  }

  /** News of a container, which may come late or twice: a container only goes forward. */
  setContainer(status: ContainerStatus, now: Now): void {
    const known = this.containers.get(status.id);
    if (known !== undefined && isOlder(status, known)) return;
    this.containers.set(status.id, status);
    if (status.state === "CONTAINER_RUNNING") {
      if (known?.state !== "CONTAINER_RUNNING") this.beginProbes(status, now);
      else for (const probe of this.probes.get(status.id) ?? []) probe.poke(now.monotonicMs);
    }
    if (status.state === "CONTAINER_EXITED") this.probes.delete(status.id);
  }

  /** The runtime has forgotten a container. What it was at the end stays in the status while the pod is cleaned up. */
  dropContainer(id: string): void {
    this.probes.delete(id);
    if (!this.inFlight.has("cleanup") && !this.isCleaned) this.containers.delete(id);
  }

  /** All that the runtime has of the pod, after its events were lost. */
  replaceRuntime(sandbox: PodSandboxStatus | undefined, containers: readonly ContainerStatus[], now: Now): void {
    this.sandbox = sandbox;
    const ids = new Set(containers.map(({ id }) => id));
    for (const id of [...this.containers.keys()]) if (!ids.has(id)) this.dropContainer(id);
    for (const container of containers) this.setContainer(container, now);
  }

  /** An object that the pod refers to has changed: what failed for want of it is tried again at once. */
  sourcesChanged(hasVolumes: boolean): void {
    for (const memory of this.memory.values()) memory.failure = undefined;
    this.retries.delete("volumes");
    if (hasVolumes) this.volumesChanged();
  }

  private volumesChanged(): void {
    if (this.volumes === "filled") this.volumes = "stale";
    this.wereChanged = true;
  }

  succeeded(operation: Operation): void {
    this.inFlight.delete(keyOf(operation));
    this.retries.delete(keyOf(operation));
    switch (operation.op) {
      case "volumes":
        this.volumes = this.wereChanged ? "stale" : "filled";
        break;
      case "start": {
        const memory = this.memoryOf(operation.container);
        memory.pull = undefined;
        memory.failure = undefined;
        break;
      }
      case "remove":
        this.containers.delete(operation.containerId);
        break;
      case "cleanup":
        this.isCleaned = true;
        break;
      case "delete":
        this.isDeleted = true;
        break;
      case "sandbox":
      case "stop":
      case "probe":
        break;
    }
  }

  failed(operation: Operation, failure: Failure, now: Now): void {
    const key = keyOf(operation);
    this.inFlight.delete(key);
    if (operation.op === "stop") this.stopping.delete(operation.containerId);
    if (operation.op === "start" && failure.code === "CONTAINER_START_FAILED") return;
    const pullReason = PULL_REASONS.get(failure.code);
    if (operation.op === "start" && pullReason !== undefined) {
      const memory = this.memoryOf(operation.container);
      const backOff = nextBackOff(memory.pull?.backOff, now.wallMs, this.options.imageBackOff);
      const untilMs = now.wallMs + backOff.delayMs;
      const { message } = failure;
      memory.pull = { backOff, untilMs, reason: pullReason, message, failedMs: now.wallMs };
      return;
    }
    const before = operation.op === "start" ? this.memoryOf(operation.container).failure : this.retries.get(key);
    const backOff = nextBackOff(before?.backOff, now.wallMs, this.options.retry);
    const reason = failure.code === "POD_CONFIG" ? "CreateContainerConfigError" : "CreateContainerError";
    const retry = { backOff, untilMs: now.wallMs + backOff.delayMs, reason, message: failure.message };
    if (operation.op === "start") this.memoryOf(operation.container).failure = retry;
    else this.retries.set(key, retry);
  }

  /** `output` is told in an event when the probe failed. `unknown`: it could not be carried out, and counts for nothing. */
  probed(
    operation: Operation & { readonly op: "probe" },
    outcome: "success" | "failure" | "unknown",
    output: string,
    now: Now,
  ): void {
    this.inFlight.delete(keyOf(operation));
    const probe = this.probes.get(operation.containerId)?.find(({ kind }) => kind === operation.kind);
    if (probe === undefined || this.containers.get(operation.containerId)?.state !== "CONTAINER_RUNNING") return;
    if (outcome === "unknown") {
      probe.abandon(now.monotonicMs);
      this.tell("Warning", "ProbeWarning", `${operation.kind} probe errored: ${output}`, operation.container);
      return;
    }
    const counts = probe.end(outcome === "success", now.monotonicMs);
    if (outcome === "success" || !counts) return;
    const name = `${operation.kind.slice(0, 1).toUpperCase()}${operation.kind.slice(1)}`;
    this.tell("Warning", "Unhealthy", `${name} probe failed: ${output}`, operation.container);
  }

  step(now: Now): Step {
    this.operations = [];
    this.wakeInMs = Number.POSITIVE_INFINITY;
    const ending = this.ending(now);
    if (ending === undefined) this.advance(now);
    else this.end(ending, now);
    const status = this.status(now, ending);
    const { operations, events, wakeInMs } = this;
    this.events = [];
    for (const operation of operations) {
      this.inFlight.add(keyOf(operation));
      if (operation.op === "volumes") this.wereChanged = false;
    }
    const isFinished = this.isCleaned && (this.isRemoved || this.isDeleted);
    return { operations, events, status, wakeInMs, isFinished };
  }

  /** Whether the pod is to end, and how much time its containers have for it. */
  private ending(now: Now): Ending | undefined {
    const { metadata, spec } = this.pod;
    const ofSpec = (spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1_000;
    if (metadata?.deletionTimestamp !== undefined || this.isRemoved) {
      const given = metadata?.deletionGracePeriodSeconds;
      return { graceMs: given === undefined ? ofSpec : given * 1_000, failure: this.failure };
    }
    if (this.failure !== undefined) {
      const isHard = this.failure.disruptedBy !== undefined;
      return { graceMs: isHard ? Math.min(ofSpec, EVICTION_GRACE_MS) : ofSpec, failure: this.failure };
    }
    if (isTerminal(this.lastStatus?.phase) || isTerminal(this.pod.status?.phase))
      return { graceMs: ofSpec, failure: undefined };
    if (spec?.activeDeadlineSeconds !== undefined) {
      const startedMs =
        this.pod.status?.startTime === undefined ? this.startTimeMs : Date.parse(this.pod.status.startTime);
      const leftMs = startedMs + spec.activeDeadlineSeconds * 1_000 - now.wallMs;
      if (leftMs > 0) this.wake(leftMs);
      else {
        const message = "Pod was active on the node longer than the specified deadline";
        this.failure = { reason: "DeadlineExceeded", message };
        this.tell("Normal", "DeadlineExceeded", message);
        return { graceMs: ofSpec, failure: this.failure };
      }
    }
    return undefined;
  }

  /** Towards a pod that runs. */
  private advance(now: Now): void {
    const hasSandbox = this.sandbox?.state === "SANDBOX_READY";
    if (this.volumes !== "filled") this.begin({ op: "volumes" }, now);
    for (const container of this.running()) this.watchOver(container, now);
    if (this.volumes === "awaited") return;
    if (!hasSandbox) return this.begin({ op: "sandbox", attempt: (this.sandbox?.metadata.attempt ?? -1) + 1 }, now);
    for (const container of this.ephemeral()) this.ensure(container, now);
    if (this.advanceInit(now)) for (const container of this.pod.spec?.containers ?? []) this.ensure(container, now);
    this.forgetOldAttempts();
  }

  /** Init containers one after the other; whether the others may start. */
  private advanceInit(now: Now): boolean {
    const hasStarted = (this.pod.spec?.containers ?? []).some(({ name }) => this.attempts(name).length > 0);
    for (const container of this.pod.spec?.initContainers ?? []) {
      if (isSidecar(this.pod, container)) {
        this.ensure(container, now);
        const latest = this.latest(container.name);
        if (!hasStarted && !(latest !== undefined && this.isStarted(latest))) return false;
        continue;
      }
      if (hasStarted) continue;
      const latest = this.latest(container.name);
      if (latest?.state === "CONTAINER_EXITED" && latest.exitCode === 0) continue;
      this.ensure(container, now);
      return false;
    }
    return true;
  }

  /** Towards a container that runs, unless its time is over. */
  private ensure(container: Container, now: Now): void {
    const { name } = container;
    if (this.inFlight.has(`start:${name}`)) return;
    const latest = this.latest(name);
    if (latest?.state === "CONTAINER_RUNNING") return;
    // Left behind by a kubelet that died between the two steps of a start.
    if (latest?.state === "CONTAINER_CREATED") return this.begin({ op: "remove", containerId: latest.id }, now);
    const exitCode = latest?.exitCode ?? this.forgotten(container)?.exitCode;
    if (exitCode !== undefined && !isRestarted(this.pod, container, exitCode)) return;
    const memory = this.memoryOf(name);
    const holds = memory.failure ?? memory.pull;
    if (holds !== undefined && holds.untilMs > now.wallMs) {
      this.wake(holds.untilMs - now.wallMs);
      if (memory.pull === holds) this.wake(memory.pull.failedMs + PULL_ERROR_SHOWN_MS - now.wallMs);
      return;
    }
    // A container that its runtime took along did not crash.
    if (latest !== undefined && latest.reason !== LOST_CONTAINER) {
      const untilMs = waitsUntil(memory.crash, latest.finishedAtMs, now.wallMs, this.options.crashBackOff);
      if (untilMs !== undefined) {
        this.wake(untilMs - now.wallMs);
        this.tellBackOff(name, latest, memory);
        return;
      }
      memory.crash = nextBackOff(memory.crash, now.wallMs, this.options.crashBackOff);
    }
    this.begin({ op: "start", container: name, attempt: this.nextAttempt(name, latest) }, now);
  }

  /**
   * The end of a container that a runtime before this one has seen, and that was told. Init containers do their work again in
   * the new sandbox, as in Kubernetes.
   */
  private forgotten(container: Container): ContainerStateTerminated | undefined {
    const isAgain = this.pod.spec?.initContainers?.includes(container) === true;
    return isAgain || this.latest(container.name) !== undefined
      ? undefined
      : this.reported(container.name)?.state?.terminated;
  }

  private nextAttempt(name: string, latest: ContainerStatus | undefined): number {
    if (latest !== undefined) return latest.metadata.attempt + 1;
    const reported = this.reported(name);
    return reported?.containerID === undefined ? 0 : reported.restartCount + 1;
  }

  private tellBackOff(name: string, latest: ContainerStatus, memory: ContainerMemory): void {
    if (memory.toldBackOffOf === latest.id) return;
    memory.toldBackOffOf = latest.id;
    this.tell("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${this.fullName()}`, name);
  }

  /** Runs the probes of a running container that are due, and ends it when one of them has given it up. */
  private watchOver(status: ContainerStatus, now: Now): void {
    const container = this.specOf(status.metadata.name);
    if (container === undefined || this.stopping.has(status.id)) return;
    const why = this.whyToRestart(container, status);
    if (why !== undefined) {
      this.stop(status, container, why.message, why.graceMs, now);
      return;
    }
    if (this.isPlaceUnknown(status)) {
      const leftMs = status.startedAtMs + PLACE_WAIT_MS - now.wallMs;
      if (leftMs > 0) this.wake(leftMs);
      else this.impatient.add(status.id);
    }
    const isStarted = this.isStarted(status);
    for (const probe of this.probes.get(status.id) ?? []) {
      if (probe.kind !== "startup" && !isStarted) continue;
      const waitMs = probe.nextAtMs - now.monotonicMs;
      if (waitMs > 0) {
        this.wake(waitMs);
        continue;
      }
      probe.begin(now.monotonicMs);
      this.operations.push({ op: "probe", container: container.name, containerId: status.id, kind: probe.kind });
    }
  }

  private whyToRestart(
    container: Container,
    status: ContainerStatus,
  ): { readonly message: string; readonly graceMs: number } | undefined {
    const { name } = container;
    const graceOf = (probe: Probe | undefined): number =>
      (probe?.terminationGracePeriodSeconds ?? this.pod.spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1_000;
    if (container.image !== undefined && status.image !== container.image) {
      return { message: `Container ${name} definition changed, will be restarted`, graceMs: graceOf(undefined) };
    }
    for (const { kind, verdict } of this.probes.get(status.id) ?? []) {
      if (kind === "readiness" || verdict !== "failure") continue;
      const message = `Container ${name} failed ${kind} probe, will be restarted`;
      return { message, graceMs: graceOf(kind === "startup" ? container.startupProbe : container.livenessProbe) };
    }
    return undefined;
  }

  /** Towards a pod of which nothing is left. Sidecars go last, in reverse order. */
  private end(ending: Ending, now: Now): void {
    const running = this.running();
    const mains = running.filter(({ metadata }) => !this.isSidecarName(metadata.name));
    const sidecars = running.filter(({ metadata }) => this.isSidecarName(metadata.name)).reverse();
    for (const status of mains.length > 0 ? mains : sidecars) {
      const container = this.specOf(status.metadata.name);
      this.stop(status, container, `Stopping container ${status.metadata.name}`, ending.graceMs, now);
    }
    // What is being started now shows as running soon, and is stopped then.
    // Nor may anything be written into a volume that has been removed.
    const isBeginning = [...this.inFlight].some(
      (key) => key.startsWith("start:") || key === "sandbox" || key === "volumes",
    );
    if (running.length > 0 || isBeginning) return;
    const isLeaving = this.pod.metadata?.deletionTimestamp !== undefined || this.isRemoved;
    if (!isLeaving) return;
    if (!this.isCleaned) this.begin({ op: "cleanup" }, now);
    else if (!this.isRemoved && !this.isDeleted) this.begin({ op: "delete" }, now);
  }

  /** Stops a container, or shortens the time that it has when it is being stopped already. */
  private stop(
    status: ContainerStatus,
    container: Container | undefined,
    message: string,
    graceMs: number,
    now: Now,
  ): void {
    const deadlineMs = now.monotonicMs + graceMs;
    const before = this.stopping.get(status.id);
    if (before !== undefined && before <= deadlineMs) return;
    const retry = this.retries.get(`stop:${status.id}`);
    if (retry !== undefined && retry.untilMs > now.wallMs) return this.wake(retry.untilMs - now.wallMs);
    this.stopping.set(status.id, deadlineMs);
    const { name } = status.metadata;
    if (before === undefined) this.tell("Normal", "Killing", message, name);
    const runPreStop = before === undefined && container?.lifecycle?.preStop !== undefined && graceMs > 0;
    this.operations.push({ op: "stop", container: name, containerId: status.id, graceMs, runPreStop });
  }

  private forgetOldAttempts(): void {
    for (const { name } of this.specs()) {
      for (const old of this.attempts(name).slice(KEPT_ATTEMPTS + 1)) {
        const key = `remove:${old.id}`;
        if (old.state !== "CONTAINER_RUNNING" && !this.inFlight.has(key) && !this.retries.has(key)) {
          this.operations.push({ op: "remove", containerId: old.id });
        }
      }
    }
  }

  private status(now: Now, ending: Ending | undefined): PodStatus {
    const status = podStatusOf(
      {
        pod: this.pod,
        last: this.lastStatus,
        sandbox: this.isCleaned ? undefined : this.sandbox,
        hasVolumes: this.volumes !== "awaited",
        containers: this.specs().map((container) => this.view(container, ending !== undefined, now)),
        hostIP: this.options.hostIP,
        startTimeMs: this.startTimeMs,
        isEnding: ending !== undefined,
        failure: ending?.failure,
      },
      now.wallMs,
    );
    this.lastStatus = status;
    return status;
  }

  private view(spec: Container, isEnding: boolean, now: Now): ContainerView {
    const [latest, previous] = this.attempts(spec.name);
    const isInit = this.pod.spec?.initContainers?.includes(spec) === true;
    const sidecar = isSidecar(this.pod, spec);
    const isEphemeral = this.ephemeral().includes(spec);
    const told = latest === undefined && isEnding ? this.reported(spec.name)?.state?.terminated : this.forgotten(spec);
    const exitCode = latest?.state === "CONTAINER_EXITED" ? latest.exitCode : told?.exitCode;
    const isInitDone = isInit && !sidecar && exitCode === 0;
    const isOver = isEnding || isInitDone || (exitCode !== undefined && !isRestarted(this.pod, spec, exitCode));
    const isRunning = latest?.state === "CONTAINER_RUNNING";
    const started = isRunning && this.isStarted(latest);
    return {
      spec,
      isInit,
      isSidecar: sidecar,
      isEphemeral,
      latest,
      previous,
      exitCode,
      waiting:
        isRunning || (isOver && (latest !== undefined || exitCode !== undefined))
          ? undefined
          : this.waitingOf(spec.name, latest, isInit, now),
      isOver,
      ready: isEphemeral ? false : isInit && !sidecar ? isInitDone : started && this.isReady(latest),
      started,
      reported: this.reported(spec.name),
    };
  }

  /** Undefined for a container that has ended and is about to be started again. */
  private waitingOf(
    name: string,
    latest: ContainerStatus | undefined,
    isInit: boolean,
    now: Now,
  ): { readonly reason: string; readonly message?: string } | undefined {
    const memory = this.memory.get(name);
    if (memory?.failure !== undefined) {
      const { reason, message } = memory.failure;
      return { reason, message };
    }
    if (memory?.pull !== undefined) {
      const { reason, message, failedMs } = memory.pull;
      if (reason !== PULL_FAILED || now.wallMs - failedMs < PULL_ERROR_SHOWN_MS) return { reason, message };
      const image = this.specOf(name)?.image ?? "";
      return { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ErrImagePull: ${message}` };
    }
    if (latest?.state === "CONTAINER_EXITED" && latest.reason !== LOST_CONTAINER) {
      const { crash } = memory ?? {};
      const untilMs = waitsUntil(crash, latest.finishedAtMs, now.wallMs, this.options.crashBackOff);
      if (untilMs === undefined || crash === undefined) return undefined;
      const delay = formatDelay(crash.delayMs);
      const message = `back-off ${delay} restarting failed container=${name} pod=${this.fullName()}`;
      return { reason: "CrashLoopBackOff", message };
    }
    if (latest?.state === "CONTAINER_EXITED") return undefined;
    const hasInit = (this.pod.spec?.initContainers ?? []).length > 0;
    return { reason: hasInit && !(isInit && this.sandbox !== undefined) ? "PodInitializing" : "ContainerCreating" };
  }

  private beginProbes(status: ContainerStatus, now: Now): void {
    const container = this.specOf(status.metadata.name);
    if (container === undefined) return;
    const reported = this.reported(container.name);
    const isKnown = reported?.containerID === containerId(status.id);
    const kinds: readonly [ProbeKind, Probe | undefined, boolean][] = [
      ["startup", container.startupProbe, isKnown && reported.started === true],
      ["readiness", container.readinessProbe, isKnown && reported.ready],
      ["liveness", container.livenessProbe, isKnown],
    ];
    const schedules: ProbeSchedule[] = [];
    for (const [kind, probe, wasGood] of kinds) {
      if (probe === undefined) continue;
      const initial = wasGood ? "success" : "unknown";
      schedules.push(new ProbeSchedule(kind, probe, now.monotonicMs, this.options.eagerProbeMs, initial));
    }
    this.probes.set(status.id, schedules);
  }

  private isStarted(status: ContainerStatus): boolean {
    if (status.state !== "CONTAINER_RUNNING") return false;
    return (this.probes.get(status.id) ?? []).every(({ kind, verdict }) => kind !== "startup" || verdict === "success");
  }

  private isReady(status: ContainerStatus): boolean {
    if (this.stopping.has(status.id)) return false;
    if (this.isPlaceUnknown(status)) return false;
    return (this.probes.get(status.id) ?? []).every(
      ({ kind, verdict }) => kind !== "readiness" || verdict === "success",
    );
  }

  /**
   * Where pods share one address, a container is reached on the port that it really got. Until it has told which, who
   * thinks it ready would talk to another pod.
   */
  private isPlaceUnknown(status: ContainerStatus): boolean {
    const { network } = this.sandbox ?? {};
    if (network === undefined || network.ip === network.askedIp || !status.reportsListening) return false;
    if (this.impatient.has(status.id)) return false;
    const ports = this.specOf(status.metadata.name)?.ports ?? [];
    return ports.some(
      ({ containerPort, protocol = "TCP" }) => protocol === "TCP" && !(containerPort in status.listening),
    );
  }

  private begin(operation: Operation, now: Now): void {
    const key = keyOf(operation);
    if (this.inFlight.has(key)) return;
    const retry = this.retries.get(key);
    if (retry !== undefined && retry.untilMs > now.wallMs) return this.wake(retry.untilMs - now.wallMs);
    this.operations.push(operation);
  }

  private wake(inMs: number): void {
    if (inMs > 0 && inMs < this.wakeInMs) this.wakeInMs = inMs;
  }

  private tell(type: "Normal" | "Warning", reason: string, message: string, container?: string): void {
    this.events.push({ type, reason, message, ...(container === undefined ? {} : { container }) });
  }

  /** Runtime containers of a name, latest first. */
  private attempts(name: string): readonly ContainerStatus[] {
    return [...this.containers.values()]
      .filter(({ metadata }) => metadata.name === name)
      .sort((one, other) => other.metadata.attempt - one.metadata.attempt || other.createdAtMs - one.createdAtMs);
  }

  private latest(name: string): ContainerStatus | undefined {
    return this.attempts(name)[0];
  }

  private running(): readonly ContainerStatus[] {
    return [...this.containers.values()].filter(({ state }) => state === "CONTAINER_RUNNING");
  }

  private specs(): readonly Container[] {
    return containersOf(this.pod);
  }

  private ephemeral(): readonly Container[] {
    return this.pod.spec?.ephemeralContainers ?? [];
  }

  private specOf(name: string): Container | undefined {
    return this.specs().find((container) => container.name === name);
  }

  private isSidecarName(name: string): boolean {
    return (
      this.pod.spec?.initContainers?.some((container) => container.name === name && isSidecar(this.pod, container)) ===
      true
    );
  }

  private reported(name: string): NonNullable<PodStatus["containerStatuses"]>[number] | undefined {
    const {
      containerStatuses = [],
      initContainerStatuses = [],
      ephemeralContainerStatuses = [],
    } = this.pod.status ?? {};
    return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
      (status) => status.name === name,
    );
  }

  private memoryOf(name: string): ContainerMemory {
    let memory = this.memory.get(name);
    if (memory === undefined) {
      memory = { crash: undefined, pull: undefined, failure: undefined, toldBackOffOf: undefined };
      this.memory.set(name, memory);
    }
    return memory;
  }

  private fullName(): string {
    const { name = "", namespace = "", uid = "" } = this.pod.metadata ?? {};
    return `${name}_${namespace}(${uid})`;
  }
}

function keyOf(operation: Operation): string {
  switch (operation.op) {
    case "volumes":
    case "sandbox":
    case "cleanup":
    case "delete":
      return operation.op;
    case "start":
      return `start:${operation.container}`;
    case "stop":
    case "remove":
      return `${operation.op}:${operation.containerId}`;
    case "probe":
      return `probe:${operation.containerId}:${operation.kind}`;
  }
}

/** As Go prints durations: `10s`, `1m20s`. */
function formatDelay(delayMs: number): string {
  const seconds = delayMs / 1_000;
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${Math.round(seconds % 60)}s`;
}
