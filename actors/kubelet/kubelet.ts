/**
 * The kubelet: makes the pods that are bound to its node run, in its container runtime, and reports them. Pods come from the API
 * server, containers from the runtime's events; each pod has a worker of its own (`core/pod-worker.ts`). A new incarnation
 * reads both anew and takes up what runs.
 */
import type {
  ContainerEvent,
  ContainerRuntimeMethods,
  ContainerStatus,
  PodSandboxStatus,
} from "../../protocols/container-runtime.ts";
import { containerRuntimeProtocol } from "../../protocols/container-runtime.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { KubeletMethods } from "../../protocols/kubelet.ts";
import { kubeletProtocol } from "../../protocols/kubelet.ts";
import type { Pod, Service } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Actor, ActorDefinition, Context, Ref, Why } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import type { Change } from "../client/informer.ts";
import { keyOf } from "../client/core/store.ts";
import { tellListenerFault } from "../client/faults.ts";
import { Informer } from "../client/informer.ts";
import { pods, services } from "../client/resources.ts";
import { SIMULATED_MACHINE } from "./core/node-object.ts";
import type { ReachRequest } from "./core/reach-request.ts";
import { PodAddresses } from "./core/pod-addresses.ts";
import { withNews } from "./core/runtime-news.ts";
import { containersOf } from "./core/sources.ts";
import { DoorAccess } from "./door-access.ts";
import { Drain } from "./drain.ts";
import { Eviction } from "./eviction.ts";
import { VolumeLimits } from "./volume-limits.ts";
import { Gate } from "./gate.ts";
import type { Admission, KubeletIo, LogConsumer, LogRequest, LogServer } from "./kubelet-io.ts";
import { KubeletMetrics } from "./kubelet-metrics.ts";
import { NodeAgent } from "./node-agent.ts";
import { NodeStats } from "./node-stats.ts";
import type { NodeServices } from "./node-services.ts";
import { plainVolumeDisk } from "./plain-volume-disk.ts";
import { PodRunner } from "./pod-runner.ts";
import { PodTokens } from "./pod-tokens.ts";
import { SourceCache } from "./source-cache.ts";
import type { KubeletOptions } from "./spec.ts";
import { VolumeStore } from "./volume-store.ts";

/** Pause before the runtime's events are asked for again, doubling: it comes back within milliseconds, or not soon. */
const RUNTIME_RETRY = { baseMs: 5, maxMs: 500 };

/** `io` brings the log server and the facts of the machine; without it there is none, and the node is a made-up one. */
export function kubeletActor(io?: KubeletIo): ActorDefinition<KubeletMethods, KubeletOptions> {
  return defineActor(kubeletProtocol, async (ctx) => {
    const kubelet = new Kubelet(ctx, ctx.options, io);
    await kubelet.start();
    return kubelet.actor();
  });
}

class Kubelet {
  private readonly ctx: Context<unknown>;
  private readonly options: KubeletOptions;
  private readonly io: KubeletIo | undefined;
  private readonly client: Client;
  private readonly runtime: Ref<ContainerRuntimeMethods>;
  private readonly pods: Informer<Pod>;
  private readonly services: Informer<Service>;
  private readonly addresses: PodAddresses;
  private readonly sources: SourceCache;
  private readonly tokens: PodTokens;
  private readonly runners = new Map<string, PodRunner>();
  private node: NodeServices | undefined;
  private agent: NodeAgent | undefined;
  private readonly eviction: Eviction;
  private volumeLimits: VolumeLimits | undefined;
  private readonly metrics: KubeletMetrics;
  private logServer: LogServer | undefined;
  private isRuntimeUp = false;
  private isRuntimeListed = false;
  private runtimeFailures = 0;
  /** Counts the times that the runtime's events were taken up: an answer to an earlier time's question is out of date. */
  private runtimeRound = 0;
  /** The last end of the runtime, which took its containers along; empty while there was none. */
  private runtimeEnd: Why = "";
  /** Events since the runtime was last asked for its list, until the answer is there. */
  private news: ContainerEvent[] | undefined;

  constructor(ctx: Context<unknown>, options: KubeletOptions, io: KubeletIo | undefined) {
    this.ctx = ctx;
    this.options = options;
    this.io = io;
    this.client = new Client(ctx, options.apiServers);
    this.metrics = new KubeletMetrics(ctx, options.nodeName, () => [...this.runners.values()]);
    this.runtime = this.metrics.counted(ctx.ref(containerRuntimeProtocol, options.containerRuntime));
    const ofThisNode = { fieldSelector: `spec.nodeName=${options.nodeName}` };
    this.pods = new Informer(ctx, this.client, pods, ofThisNode, undefined, tellListenerFault(ctx.log, "pods"));
    this.services = new Informer(ctx, this.client, services);
    this.addresses = new PodAddresses(options.podCIDR);
    const sourcesChanged = (uids: readonly string[]): void => {
      for (const uid of uids) this.runners.get(uid)?.sourcesChanged();
    };
    this.sources = new SourceCache(ctx, this.client, sourcesChanged);
    this.tokens = new PodTokens(ctx, this.client, sourcesChanged);
    this.eviction = new Eviction(
      ctx,
      options.nodeName,
      this.runtime,
      () => [...this.runners.values()],
      () => this.metrics.evicted(),
    );
  }

  async start(): Promise<void> {
    const { ctx, options } = this;
    const stats = new NodeStats(ctx, options.nodeName, this.runtime);
    this.logServer = await this.io?.serveLogs(
      options.nodeIP,
      this.admission(),
      (request, consumer) => this.readLogs(request, consumer),
      {
        stats: () => stats.summary(),
        metrics: (page) => this.metrics.page(page, stats),
        reach: (request) => this.reach(request),
      },
    );
    ctx.onEnd(() => void this.logServer?.close());
    const hostIP = this.logServer?.host ?? options.nodeIP;
    const machine = this.io?.machine() ?? SIMULATED_MACHINE;
    const capacity = { ...(options.capacity ?? machine.capacity) };
    this.node = {
      ctx,
      options,
      client: this.client,
      runtime: this.runtime,
      events: new EventRecorder(ctx, this.client, "kubelet", {
        host: options.nodeName,
        inFlightMax: options.eventsInFlightMax,
      }),
      metrics: this.metrics,
      sources: this.sources,
      tokens: this.tokens,
      volumes: new VolumeStore(ctx, this.io?.volumes(ctx.disk.root) ?? plainVolumeDisk(ctx)),
      addresses: this.addresses,
      starts: new Gate(options.startsInFlightMax),
      writes: new Gate(options.writesInFlightMax),
      hostsFile: options.hostsFile ?? `${ctx.disk.root}/../kube-proxy/hosts.json`,
      hostIP,
      allocatable: { cpu: capacity["cpu"] ?? "0", memory: capacity["memory"] ?? "0" },
      health: this.io?.health,
      services: async () => {
        if (!this.services.synced) await this.services.whenSynced();
        return this.services.list();
      },
      finished: (pod) => this.finished(pod),
    };
    const facts = {
      name: options.nodeName,
      ip: hostIP,
      podCIDR: options.podCIDR,
      isEmbedded: options.isEmbedded,
      labels: options.labels,
      taints: options.taints,
      machine,
      capacity,
      logPort: this.logServer?.port ?? 0,
    };
    const drain = new Drain(ctx, this.client, options.nodeName, () => this.pods.list());
    this.volumeLimits = new VolumeLimits(
      ctx,
      this.node.volumes,
      () => [...this.runners.values()],
      () => this.metrics.evicted(),
    );
    this.agent = new NodeAgent(ctx, this.client, options, facts, this.node.events, (node) => drain.nodeIs(node));
    this.agent.start();
    drain.start();
    this.eviction.start();
    this.services.start();
    ctx.monitor(options.containerRuntime, () => void (this.runtimeEnd = ctx.trace.why()));
    this.followRuntime();
    // Pods wait for the runtime's list: a container that runs must not be started a second time.
    this.pods.onChange((change) => {
      if (this.isRuntimeListed) this.take(change);
    });
    this.pods.start();
  }

  private admission(): Admission {
    const { door, kubeletToken: token, nodeName } = this.options;
    if (door === undefined) return { token };
    const access = new DoorAccess(this.ctx, this.client, nodeName);
    return { door, mayAsk: (user, path) => access.mayAsk(user, path) };
  }

  actor(): Actor<KubeletMethods> {
    return {
      handlers: {
        state: () => ({
          nodeName: this.options.nodeName,
          pods: this.runners.size,
          isRuntimeUp: this.isRuntimeUp,
          port: this.logServer?.port ?? 0,
        }),
      },
      state: () => ({
        pods: this.runners.size,
        volumes: this.node?.volumes.size ?? 0,
        sources: this.sources.size,
        tokens: this.tokens.size,
        addresses: this.addresses.inUse,
      }),
      stop: () => this.logServer?.close(),
    };
  }

  private take(change: Change<Pod>): void {
    const { object: pod } = change;
    const { uid = "", name = "", namespace = "" } = pod.metadata ?? {};
    const why = this.ctx.trace.why();
    const before = change.previous?.metadata?.uid;
    if (before !== undefined && before !== uid) this.runners.get(before)?.remove();
    if (change.type === "deleted") {
      const runner = this.runners.get(uid);
      runner?.setPod(pod, why);
      runner?.remove();
      return;
    }
    const runner = this.runners.get(uid);
    if (runner !== undefined) return runner.setPod(pod, why);
    const { nodeName } = this.options;
    this.adopt(pod, this.ctx.trace.event("pod.admitted", `pods/${namespace}/${name}`, { node: nodeName }, why));
  }

  private finished(pod: Pod): void {
    const uid = pod.metadata?.uid ?? "";
    this.runners.delete(uid);
    // A cluster that was reset has it again, as it was: it begins anew.
    const back = this.pods.getByKey(keyOf(pod));
    if (back?.metadata?.uid === uid && back.metadata.deletionTimestamp === undefined)
      this.adopt(back, this.ctx.trace.why());
  }

  private adopt(pod: Pod, why: Why): PodRunner {
    if (this.node === undefined) throw new Error("a pod before the node's services");
    const runner = new PodRunner(this.node, pod, why);
    this.runners.set(pod.metadata?.uid ?? "", runner);
    const refusal = this.eviction.refusalOf(pod);
    if (refusal !== undefined) runner.reject(refusal);
    runner.kick();
    this.volumeLimits?.look();
    return runner;
  }

  /**
   * The runtime's events, taken up again whenever it died; then all that it has is read anew. Not before the pods are known, and
   * without a wait in between: what is listed is taken in before it has grown old.
   */
  private followRuntime(): void {
    this.ctx.spawn(async () => {
      await this.pods.whenSynced();
      const round = ++this.runtimeRound;
      this.runtime.stream("events", null, {
        next: (event) => this.takeEvent(event),
        end: (error) => {
          this.isRuntimeUp = false;
          this.agent?.setRuntimeUp(false);
          const { baseMs, maxMs } = RUNTIME_RETRY;
          const pauseMs = Math.min(baseMs * 2 ** this.runtimeFailures++, maxMs);
          this.ctx.log.debug("runtime events ended", { error: error?.message ?? "closed", pauseMs });
          this.ctx.clock.after(pauseMs, () => this.followRuntime());
        },
      });
      await this.listRuntime(round);
    });
  }

  private async listRuntime(round: number): Promise<void> {
    const askedMs = this.ctx.clock.monotonicMs();
    this.news = [];
    try {
      const [sandboxes, containers] = await Promise.all([
        this.runtime.call("listPodSandbox", null),
        this.runtime.call("listContainers", null),
      ]);
      if (round === this.runtimeRound)
        this.takeRuntime(sandboxes.items, withNews(containers.items, this.news), askedMs);
    } catch (error) {
      // The stream of events ends for the same reason, and is what brings us back.
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.debug("runtime not listed", { error: error.message });
      if (error.code === "DEADLINE_EXCEEDED" && round === this.runtimeRound) await this.listRuntime(round);
    }
  }

  private takeRuntime(
    sandboxes: readonly PodSandboxStatus[],
    containers: readonly ContainerStatus[],
    askedMs: number,
  ): void {
    this.news = undefined;
    this.isRuntimeUp = true;
    this.runtimeFailures = 0;
    this.agent?.setRuntimeUp(true);
    for (const { network } of sandboxes) this.addresses.reserve(network.askedIp);
    const isFirst = !this.isRuntimeListed;
    this.isRuntimeListed = true;
    if (isFirst) for (const pod of this.pods.list()) this.adoptSafely(pod);
    for (const [uid, runner] of this.runners) {
      const own = sandboxes.filter(({ metadata }) => metadata.uid === uid);
      const ids = new Set(own.map(({ id }) => id));
      runner.replaceRuntime(
        own.at(-1),
        containers.filter(({ podSandboxId }) => ids.has(podSandboxId)),
        askedMs,
        this.runtimeEnd,
      );
    }
    for (const sandbox of sandboxes) {
      if (!this.runners.has(sandbox.metadata.uid)) this.ctx.spawn(() => this.removeOrphan(sandbox, 0));
    }
    if (isFirst) this.ctx.spawn(() => this.removeOrphanedVolumes());
  }

  /** As from the informer: a pod that can't be taken up keeps none from its place. */
  private adoptSafely(pod: Pod): void {
    try {
      this.adopt(pod, this.ctx.trace.started);
    } catch (thrown) {
      tellListenerFault(this.ctx.log, "pods")(thrown, keyOf(pod));
    }
  }

  /** A pod that was deleted while no kubelet looked. Tried until it is gone: nobody else knows of it any more. */
  private async removeOrphan(sandbox: PodSandboxStatus, failures: number): Promise<void> {
    try {
      await this.runtime.call("removePodSandbox", { podSandboxId: sandbox.id });
      this.addresses.release(sandbox.network.askedIp);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.warn("orphaned pod not removed", { pod: sandbox.metadata.name, error: error.message });
      const { retryBaseMs, retryMaxMs } = this.options;
      await this.ctx.clock.sleep(Math.min(retryBaseMs * 2 ** failures, retryMaxMs));
      await this.removeOrphan(sandbox, failures + 1);
    }
  }

  /** Volumes, Secrets among them, of pods that this node has no more. */
  private async removeOrphanedVolumes(): Promise<void> {
    for (const uid of (await this.node?.volumes.list()) ?? []) {
      if (!this.runners.has(uid)) await this.node?.volumes.remove(uid);
    }
  }

  private takeEvent(event: ContainerEvent): void {
    this.news?.push(event);
    const runner = this.runners.get(event.podUid);
    if (runner === undefined) return;
    if (event.type === "CONTAINER_DELETED_EVENT") runner.dropContainer(event.status.id, event.cause);
    else runner.setContainer(event.status, event.cause);
  }

  /** Errors: LOG_NOT_FOUND, LOG_UNAVAILABLE. */
  private readLogs(request: LogRequest, consumer: LogConsumer): () => void {
    const status = this.logOf(request);
    const { follow, timestamps, tailLines, sinceMs, limitBytes } = request;
    const subscription = this.runtime.stream(
      "readLogs",
      {
        logPath: status.logPath,
        follow,
        timestamps,
        ...(tailLines === undefined ? {} : { tailLines }),
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(limitBytes === undefined ? {} : { limitBytes }),
      },
      consumer,
    );
    return () => subscription.cancel();
  }

  /** In the kubelet's own words. Errors: POD_NOT_FOUND, CONTAINER_NOT_FOUND, and those of the runtime. */
  private async reach(request: ReachRequest): Promise<string> {
    const { namespace, pod } = request;
    const found = this.pods.get(pod, namespace);
    const runner = this.runners.get(found?.metadata?.uid ?? "");
    if (found === undefined || runner === undefined) throw new InkubeError("POD_NOT_FOUND", "pod does not exist");
    if (request.purpose === "portForward") {
      const podSandboxId = runner.sandboxId;
      if (podSandboxId === undefined) {
        throw new InkubeError("CONTAINER_NOT_FOUND", `sandbox of pod "${pod}" is not running`);
      }
      return (await this.runtime.call("portForward", { podSandboxId, ports: request.ports })).url;
    }
    const { purpose, container, command, stdin, stdout, stderr, tty } = request;
    const running = runner
      .containers()
      .find(({ metadata, state }) => metadata.name === container && state === "CONTAINER_RUNNING");
    if (running === undefined) {
      throw new InkubeError("CONTAINER_NOT_FOUND", `container not found (${JSON.stringify(container)})`);
    }
    const options = { containerId: running.id, stdin, stdout, stderr, tty };
    if (purpose === "attach") return (await this.runtime.call("attach", options)).url;
    return (await this.runtime.call("exec", { ...options, command })).url;
  }

  private logOf({ namespace, pod, container, previous }: LogRequest): ContainerStatus {
    const found = this.pods.get(pod, namespace);
    const runner = this.runners.get(found?.metadata?.uid ?? "");
    if (found === undefined || runner === undefined) {
      throw new InkubeError("LOG_NOT_FOUND", `pod "${pod}" in namespace "${namespace}" is not on this node`);
    }
    const attempts = runner
      .containers()
      .filter(({ metadata, startedAtMs }) => metadata.name === container && startedAtMs > 0)
      .sort((one, other) => other.metadata.attempt - one.metadata.attempt);
    const status = attempts[previous ? 1 : 0];
    if (status !== undefined) return status;
    if (!containersOf(found).some(({ name }) => name === container)) {
      throw new InkubeError("LOG_UNAVAILABLE", `container ${container} is not valid for pod ${pod}`);
    }
    const what = previous ? "previous terminated container" : "container";
    const why = previous ? "not found" : "is waiting to start: ContainerCreating";
    throw new InkubeError("LOG_UNAVAILABLE", `${what} "${container}" in pod "${pod}" ${why}`);
  }
}
