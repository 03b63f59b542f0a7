/** The shell around one pod's worker: steps it whenever something has happened, begins what it wants, and reports its status. */
import type { ContainerStatus, PodSandboxStatus } from "../../protocols/container-runtime.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Pod, PodStatus } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import { faultFields } from "../client/faults.ts";
import { pods } from "../client/resources.ts";
import { noticesOf } from "./core/notices.ts";
import { isInterim } from "./core/pod-status.ts";
import type { Now, Operation, Step } from "./core/pod-worker.ts";
import { PodWorker } from "./core/pod-worker.ts";
import { isEqual } from "../../protocols/equality.ts";
import { isNewerVersion, podStatusPatch } from "./core/status-patch.ts";
import { containersOf } from "./core/sources.ts";
import { hasLiveVolumes } from "./core/volumes.ts";
import { containerType } from "./kubelet-metrics.ts";
import type { NodeServices } from "./node-services.ts";
import { because } from "./node-services.ts";
import { PodOperations, fieldPathOf, typedPod } from "./pod-operations.ts";

/** Which ports of a pod listen elsewhere than asked: `{"80":41233}`. Read by the EndpointSlice controller. */
/** Until a pod is looked at again over which this kubelet threw. As a crash loop's first pause. */
const FAULT_RETRY_MS = 10_000;
const PORTS_ANNOTATION = "inkube.dev/ports";

export class PodRunner {
  private readonly node: NodeServices;
  private readonly worker: PodWorker;
  /** The newest status that the API server is known to have, by a watch or by the answer to a write, and its version. */
  private served: PodStatus;
  private servedVersion: string;
  /** A patch after which the API server still had something else: it is not sent again while nothing has changed. */
  private refused: unknown;
  private wanted: PodStatus | undefined;
  private writing: Promise<void> | undefined;
  private writtenPorts: string | undefined;
  private holdTimer: Timer | undefined;
  private wakeTimer: Timer | undefined;
  private isKicked = false;
  private isFinished = false;
  private isGone = false;
  private writeFailures = 0;
  private sandboxMadeMs = Number.NEGATIVE_INFINITY;
  /** What last happened to the pod: what is done and told next is because of it. */
  private why: Why;
  /** When this kubelet took the pod up; undefined once it has been seen to run, or ran before. */
  private startingSinceMs: number | undefined;

  constructor(node: NodeServices, pod: Pod, why: Why) {
    this.node = node;
    this.why = why;
    this.served = pod.status ?? {};
    this.servedVersion = pod.metadata?.resourceVersion ?? "";
    this.writtenPorts = pod.metadata?.annotations?.[PORTS_ANNOTATION];
    const { options } = node;
    this.worker = new PodWorker(
      pod,
      {
        hostIP: node.hostIP,
        crashBackOff: { baseMs: options.crashBackOffBaseMs, maxMs: options.crashBackOffMaxMs },
        imageBackOff: { baseMs: options.imageBackOffBaseMs, maxMs: options.imageBackOffMaxMs },
        retry: { baseMs: options.retryBaseMs, maxMs: options.retryMaxMs },
        eagerProbeMs: options.eagerProbeMs,
      },
      this.now(),
    );
    if (pod.status?.startTime !== undefined) return;
    this.startingSinceMs = this.now().monotonicMs;
    node.metrics.started.pods.inc();
    this.tellNotices(pod, []);
  }

  get pod(): Pod {
    return this.worker.current;
  }

  containers(): readonly ContainerStatus[] {
    return this.worker.runtimeContainers;
  }

  setPod(pod: Pod, why: Why): void {
    // Ephemeral containers come later than the pod.
    this.tellNotices(pod, noticesOf(this.pod));
    this.worker.setPod(pod);
    const version = pod.metadata?.resourceVersion ?? "";
    // Of our own write, which changed nothing for us, it is only the echo.
    if (isNewerVersion(version, this.servedVersion)) this.why = why;
    this.observe(pod);
    this.kick();
  }

  private tellNotices(pod: Pod, told: readonly string[]): void {
    for (const notice of noticesOf(pod)) {
      if (!told.includes(notice)) this.node.events.event(typedPod(pod), "Warning", "Unsupported", notice);
    }
  }

  /** Takes note of what the API server has: others write to it too, and of some of it only we know better. */
  private observe(pod: Pod): void {
    const version = pod.metadata?.resourceVersion ?? "";
    if (!isNewerVersion(version, this.servedVersion)) return;
    const status = pod.status ?? {};
    if (!isEqual(status, this.served)) this.refused = undefined;
    this.served = status;
    this.servedVersion = version;
  }

  /** See `PodWorker`. */
  get isActive(): boolean {
    return this.worker.isActive;
  }

  evict(message: string): void {
    this.worker.evict(message);
    this.kick();
  }

  reject(message: string): void {
    this.worker.reject(message);
    this.kick();
  }

  /** The pod is no longer in the API. */
  remove(): void {
    this.isGone = true;
    this.worker.remove();
    this.kick();
  }

  setContainer(status: ContainerStatus, why: Why): void {
    this.why = why;
    this.worker.setContainer(status, this.now());
    if (status.state !== "CONTAINER_CREATED") this.kick();
  }

  dropContainer(id: string, why: Why): void {
    this.why = why;
    this.worker.dropContainer(id);
    this.kick();
  }

  /** Of its pod sandbox, while there is one. */
  get sandboxId(): string | undefined {
    return this.worker.sandboxStatus?.id;
  }

  /** All that the runtime has of the pod, as it was asked for at `askedMs` (monotonic). A sandbox made since then is newer. */
  replaceRuntime(
    listed: PodSandboxStatus | undefined,
    containers: readonly ContainerStatus[],
    askedMs: number,
    why: Why,
  ): void {
    if (why !== "") this.why = why;
    const lost = this.worker.sandboxStatus;
    const sandbox = this.sandboxMadeMs >= askedMs ? lost : listed;
    if (lost !== undefined && lost.network.askedIp !== sandbox?.network.askedIp) {
      this.node.addresses.release(lost.network.askedIp);
    }
    this.worker.replaceRuntime(sandbox, containers, this.now());
    this.kick();
  }

  sourcesChanged(): void {
    this.worker.sourcesChanged(hasLiveVolumes(this.pod));
    this.kick();
  }

  /** Steps once all that has come in this turn is known. */
  kick(): void {
    // A kubelet that stops leaves its pods as they are: its runtime, stopping too, must not look like their crash.
    if (this.isKicked || this.isFinished || this.node.ctx.stopping.aborted) return;
    this.isKicked = true;
    this.node.ctx.spawn(async () => {
      await Promise.resolve();
      this.isKicked = false;
      if (!this.isFinished) this.stepSafely();
    });
  }

  /** A pod that this kubelet can't cope with costs only itself: the kubelet's successor would meet it again, and all pods with it. */
  private stepSafely(): void {
    try {
      this.step();
    } catch (thrown) {
      this.tellFault(thrown);
      this.wakeTimer?.cancel();
      this.wakeTimer = this.node.ctx.clock.after(FAULT_RETRY_MS, () => this.kick());
    }
  }

  private faultOf(thrown: unknown): InkubeError {
    this.tellFault(thrown);
    return new InkubeError("INTERNAL", faultFields(thrown).error, { cause: thrown });
  }

  private tellFault(thrown: unknown): void {
    const { name, namespace } = this.pod.metadata ?? {};
    const fields = faultFields(thrown);
    this.node.ctx.log.error("a pod is not in step", { key: `${namespace}/${name}`, ...fields });
    this.node.events.event(typedPod(this.pod), "Warning", "FailedSync", `Error syncing pod: ${fields.error}`);
  }

  private step(): void {
    const step = this.worker.step(this.now());
    const events = this.node.events.because(this.why);
    for (const event of step.events) {
      const path = event.container === undefined ? undefined : fieldPathOf(this.pod, event.container);
      events.event(typedPod(this.pod), event.type, event.reason, event.message, path);
    }
    this.wakeTimer?.cancel();
    if (step.isFinished) return this.finish();
    if (step.wakeInMs !== Number.POSITIVE_INFINITY) {
      this.wakeTimer = this.node.ctx.clock.after(step.wakeInMs, () => this.kick());
    }
    for (const operation of step.operations) this.begin(operation);
    this.report(step);
  }

  private finish(): void {
    this.isFinished = true;
    this.node.metrics.gone(this.pod);
    this.holdTimer?.cancel();
    this.node.finished(this.pod);
  }

  private begin(operation: Operation): void {
    const operations = new PodOperations(because(this.node, this.why));
    this.node.ctx.spawn(async () => {
      try {
        if (operation.op === "probe") return await this.probe(operation, operations);
        await this.perform(operation, operations);
        this.worker.succeeded(operation);
      } catch (error) {
        const failure = error instanceof InkubeError ? error : this.faultOf(error);
        const { code, message } = failure;
        this.worker.failed(operation, { code, message }, this.now());
        this.failed(operation, failure);
      }
      this.kick();
    });
  }

  private async perform(
    operation: Exclude<Operation, { readonly op: "probe" }>,
    operations: PodOperations,
  ): Promise<void> {
    const { worker, pod } = this;
    switch (operation.op) {
      case "volumes":
        return await operations.volumes(pod);
      case "sandbox":
        worker.setSandbox(await operations.sandbox(pod, operation.attempt));
        this.sandboxMadeMs = this.now().monotonicMs;
        return;
      case "start":
        return await this.node.starts.through(() => this.start(operation, operations));
      case "stop":
        worker.setContainer(await operations.stop(pod, worker.sandboxStatus, operation), this.now());
        return;
      case "remove":
        return await operations.remove(operation.containerId);
      case "cleanup":
        return await operations.cleanup(pod, worker.sandboxStatus);
      case "delete":
        await this.flush();
        return await operations.delete(pod);
    }
  }

  private async start(operation: Operation & { readonly op: "start" }, operations: PodOperations): Promise<void> {
    const { worker } = this;
    const sandbox = worker.sandboxStatus;
    if (sandbox === undefined) throw new InkubeError("CONTAINER_STATE", "the pod has no sandbox", { retryable: true });
    const onStatus = (status: ContainerStatus): void => {
      worker.setContainer(status, this.now());
      this.kick();
    };
    this.node.metrics.started.containers.of(containerType(this.pod, operation.container)).inc();
    const { status, hookFailure } = await operations.start(this.pod, sandbox, operation, onStatus);
    if (hookFailure === undefined) return;
    worker.setContainer(await operations.end(status.id), this.now());
  }

  private async probe(operation: Operation & { readonly op: "probe" }, operations: PodOperations): Promise<void> {
    const { worker } = this;
    const container = containersOf(this.pod).find(({ name }) => name === operation.container);
    const status = worker.runtimeContainers.find(({ id }) => id === operation.containerId);
    const probe = container?.[`${operation.kind}Probe`];
    const network = worker.sandboxStatus?.network;
    if (container === undefined || status === undefined || probe === undefined || network === undefined) {
      worker.probed(operation, "unknown", "the container is gone", this.now());
      return;
    }
    const { isSuccess, isUnknown, output } = await operations.probe(container, probe, status, network);
    const outcome = isSuccess ? "success" : isUnknown === true ? "unknown" : "failure";
    if (outcome === "failure") this.probeFailed(operation, output);
    this.node.metrics.probed(this.pod, operation, outcome);
    worker.probed(operation, outcome, output, this.now());
    this.kick();
  }

  private probeFailed({ container, kind }: Operation & { readonly op: "probe" }, output: string): void {
    const { name = "", namespace = "" } = this.pod.metadata ?? {};
    const { trace } = this.node.ctx;
    const subject = `pods/${namespace}/${name}`;
    this.why = trace.event("probe.failed", subject, { container, probe: kind, output }, trace.later("timer", "probe"));
  }

  private failed(operation: Operation, error: InkubeError): void {
    const { name = "", namespace = "" } = this.pod.metadata ?? {};
    this.node.ctx.log.debug("pod operation failed", {
      pod: `${namespace}/${name}`,
      op: operation.op,
      code: error.code,
      error: error.message,
    });
    if (operation.op === "start") {
      const { fault } = (error.details ?? {}) as { readonly fault?: string };
      const struck = fault === undefined ? {} : { fault };
      // The message last: it has blanks.
      const fields = { container: operation.container, code: error.code, ...struck, error: error.message };
      this.why = this.node.ctx.trace.event("container.failed", `pods/${namespace}/${name}`, fields, this.why);
    }
    if (operation.op === "start")
      this.node.metrics.started.containerErrors.of(containerType(this.pod, operation.container), error.code).inc();
    if (operation.op === "sandbox") this.node.metrics.started.podErrors.inc();
    const about =
      operation.op === "volumes" ? "FailedMount" : operation.op === "sandbox" ? "FailedCreatePodSandBox" : "";
    if (about !== "") this.node.events.event(typedPod(this.pod), "Warning", about, error.message);
    else if (operation.op === "start" && error.code === "POD_CONFIG") {
      const path = fieldPathOf(this.pod, operation.container);
      this.node.events.event(typedPod(this.pod), "Warning", "Failed", `Error: ${error.message}`, path);
    }
  }

  /** Sees to it that the API server gets the status: at once, or a little later when a better one is to be expected. */
  private report(step: Step): void {
    this.wanted = step.status;
    if (this.startingSinceMs !== undefined && step.status.phase === "Running") {
      this.node.metrics.ran(this.now().monotonicMs - this.startingSinceMs);
      this.startingSinceMs = undefined;
    }
    if (this.isGone || this.writing !== undefined) return;
    if (isInterim(step.status)) {
      this.holdTimer ??= this.node.ctx.clock.after(this.node.options.statusHoldMs, () => {
        this.holdTimer = undefined;
        this.write();
      });
      return;
    }
    this.holdTimer?.cancel();
    this.holdTimer = undefined;
    this.write();
  }

  private write(): void {
    if (this.writing !== undefined || this.isFinished || this.isGone) return;
    const { wanted } = this;
    if (wanted === undefined) return;
    const ports = this.ports();
    if (this.patchTo(wanted) === undefined && ports === this.writtenPorts) return;
    this.writing = this.node.writes.through(() => this.send(wanted, ports));
    this.node.ctx.spawn(() => this.writing ?? Promise.resolve());
  }

  /** What is to be sent so that the API server has `wanted`; undefined when it has it, or doesn't take it. */
  private patchTo(wanted: PodStatus): Readonly<Record<string, unknown>> | undefined {
    const patch = podStatusPatch(this.served, wanted);
    return isEqual(patch, this.refused) ? undefined : patch;
  }

  private async send(wanted: PodStatus, ports: string | undefined): Promise<void> {
    const { name = "", namespace = "", uid } = this.pod.metadata ?? {};
    const { ctx, options } = this.node;
    const { why } = this;
    const client = this.node.client.because(why);
    try {
      // The ports first: who learns that the pod is ready must know where.
      if (ports !== this.writtenPorts) {
        const metadata = { uid, annotations: { [PORTS_ANNOTATION]: ports ?? null } };
        // By the one way on which a node may write a pod.
        await client.patch(pods, name, namespace, { metadata }, { subresource: "status" });
        this.writtenPorts = ports;
      }
      const patch = this.patchTo(wanted);
      if (patch !== undefined) {
        const fields = { phase: wanted.phase ?? "", ready: isShownReady(wanted) };
        const shown = ctx.trace.event("pod.status", `pods/${namespace}/${name}`, fields, why);
        const body = { metadata: { uid }, status: patch };
        const how = { subresource: "status", patchType: "application/strategic-merge-patch+json" as const };
        const pod = await client.because(shown).patch(pods, name, namespace, body, how);
        this.observe(pod);
        const isNewest = pod.metadata?.resourceVersion === this.servedVersion;
        if (isNewest && isEqual(podStatusPatch(this.served, wanted), patch)) this.refused = patch;
      }
      this.writeFailures = 0;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      if (hasReason(error, "NotFound")) {
        // Deleted: the informer tells.
        this.isGone = true;
      } else {
        ctx.log.warn("pod status not written", { pod: `${namespace}/${name}`, error: error.message });
        const pauseMs = Math.min(options.retryBaseMs * 2 ** this.writeFailures++, options.retryMaxMs);
        await ctx.clock.sleep(pauseMs);
      }
    } finally {
      this.writing = undefined;
    }
    // What has come meanwhile.
    if (this.wanted !== undefined && this.patchTo(this.wanted) !== undefined) this.kick();
  }

  /** Resolves when the last status has been written, or can't be. */
  private async flush(): Promise<void> {
    this.holdTimer?.cancel();
    this.holdTimer = undefined;
    for (let tries = 0; tries < 3; tries++) {
      this.write();
      if (this.writing === undefined) return;
      await this.writing;
    }
  }

  /** The annotation for ports that listen elsewhere than asked, or undefined when none does. */
  private ports(): string | undefined {
    const moved: Record<string, number> = {};
    for (const { state, listening } of this.worker.runtimeContainers) {
      if (state !== "CONTAINER_RUNNING") continue;
      for (const [asked, port] of Object.entries(listening)) if (Number(asked) !== port) moved[asked] = port;
    }
    return Object.keys(moved).length === 0 ? undefined : JSON.stringify(moved);
  }

  private now(): Now {
    const { clock } = this.node.ctx;
    return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }
}

function isShownReady({ conditions }: PodStatus): boolean {
  return conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
