/** Keeps this node in the API: registers it, renews its Lease, and writes its status when it changed. */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Lease } from "../../protocols/kubernetes/types/coordination-v1.ts";
import type { Node } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import { formatMicroTime, formatTime } from "../../runtime/clock.ts";
import { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import { Informer } from "../client/informer.ts";
import { leases, nodes } from "../client/resources.ts";
import type { NodeFacts } from "./core/node-object.ts";
import { isNodeReady, nodeNews } from "./core/node-news.ts";
import { nodeObject, nodeStatus } from "./core/node-object.ts";
import { isEqual } from "../../protocols/equality.ts";
import { hasNodeStatus, isNewerVersion } from "./core/status-patch.ts";
import type { KubeletOptions } from "./spec.ts";

const LEASE_NAMESPACE = "kube-node-lease";
/** A runtime that is away for longer makes the node NotReady; a restart takes a fraction of it. */
const RUNTIME_DOWN_MS = 5_000;

export class NodeAgent {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly options: KubeletOptions;
  private readonly facts: Omit<NodeFacts, "runtimeDown" | "isMemoryShort">;
  private readonly events: EventRecorder;
  private readonly onNode: (node: Node) => void;
  private readonly informer: Informer<Node>;
  /** Gives up on a server that hangs, and asks the next, well before the node counts as lost. */
  private readonly leaseClient: Client;
  private node: Node | undefined;
  private lease: Lease | undefined;
  private isRenewing = false;
  private isUpdating = false;
  private isOutdated = false;
  private reportedMs = 0;
  private runtimeDownMs: number | undefined;

  /** `onNode` is told of the node as the API has it. */
  constructor(
    ctx: Context<unknown>,
    client: Client,
    options: KubeletOptions,
    facts: Omit<NodeFacts, "runtimeDown" | "isMemoryShort">,
    events: EventRecorder,
    onNode: (node: Node) => void,
  ) {
    this.ctx = ctx;
    this.client = client;
    this.options = options;
    this.facts = facts;
    this.events = events;
    this.onNode = onNode;
    this.informer = new Informer(ctx, client, nodes, { fieldSelector: `metadata.name=${options.nodeName}` });
    this.leaseClient = new Client(ctx, options.apiServers, {
      attemptTimeoutMs: options.leaseRenewMs,
      timeoutMs: 2 * options.leaseRenewMs,
    });
  }

  start(): void {
    const { clock } = this.ctx;
    // Others write to the node too: when the controllers have given it up, only its kubelet can say that it is back.
    this.informer.onChange(({ type, object }) => {
      // What a write of ours has answered may be newer than what the watch is at.
      const known = this.node?.metadata?.resourceVersion;
      if (known !== undefined && isNewerVersion(known, object.metadata?.resourceVersion ?? "")) return;
      this.node = type === "deleted" ? undefined : object;
      this.update();
      if (this.node !== undefined) this.onNode(this.node);
    });
    this.informer.start();
    this.ctx.faults.onChange(() => this.update());
    const { trace } = this.ctx;
    trace.because(trace.started, () => this.update());
    clock.every(
      this.options.leaseRenewMs,
      trace.timer("node lease", () => this.renew(trace.why())),
    );
    clock.every(
      this.options.nodeStatusPeriodMs,
      trace.timer("node status", () => this.update()),
    );
  }

  setRuntimeUp(isUp: boolean): void {
    if (isUp) {
      const wasDown = this.isRuntimeDown();
      this.runtimeDownMs = undefined;
      if (wasDown) this.update();
    } else if (this.runtimeDownMs === undefined) {
      this.runtimeDownMs = this.ctx.clock.nowMs();
      this.ctx.clock.after(
        RUNTIME_DOWN_MS + 1,
        this.ctx.trace.timer("runtime down", () => this.update()),
      );
    }
  }

  private isRuntimeDown(): boolean {
    return this.runtimeDownMs !== undefined && this.ctx.clock.nowMs() - this.runtimeDownMs > RUNTIME_DOWN_MS;
  }

  private currentFacts(): NodeFacts {
    const since = this.runtimeDownMs;
    return {
      ...this.facts,
      runtimeDown: since !== undefined && this.isRuntimeDown() ? formatTime(since) : undefined,
      isMemoryShort: this.ctx.faults.inForce.some(({ kind }) => kind === "memory-pressure"),
    };
  }

  /** Registers the node when it isn't there, and writes its status when it changed or is due. */
  private update(): void {
    this.isOutdated = true;
    if (this.isUpdating) return;
    this.isUpdating = true;
    this.isOutdated = false;
    const { trace } = this.ctx;
    const why = trace.why();
    this.ctx.spawn(async () => {
      let isDone = true;
      try {
        if (this.node === undefined) await this.register(why);
        else await this.report(this.node, why);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        if (hasReason(error, "NotFound")) this.node = undefined;
        this.ctx.log.warn("node status not written", { error: error.message });
        isDone = false;
      } finally {
        this.isUpdating = false;
      }
      const again = (): void => trace.because(why, () => this.update());
      if (!isDone) this.ctx.clock.after(this.options.retryBaseMs, again);
      else if (this.isOutdated) again();
    });
  }

  private async register(why: Why): Promise<void> {
    const client = this.client.because(why);
    const mine = nodeObject(this.currentFacts(), this.ctx.clock.nowMs());
    try {
      this.node = await client.create(nodes, mine);
      this.ctx.trace.event("node.registered", `nodes/${this.options.nodeName}`, {}, why);
      this.tell(undefined, this.node, why);
    } catch (error) {
      if (!hasReason(error, "AlreadyExists")) throw error;
      const found = await client.get(nodes, this.options.nodeName);
      const labels = { ...found.metadata?.labels, ...mine.metadata?.labels };
      const podCIDR = found.spec?.podCIDR ?? mine.spec?.podCIDR;
      const isSame = isEqual(labels, found.metadata?.labels) && found.spec?.podCIDR === podCIDR;
      const spec = podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] };
      this.node = isSame
        ? found
        : await client.patch(nodes, this.options.nodeName, undefined, { metadata: { labels }, spec });
      // What the last incarnation said may be out of date: the port of the log server always is.
      this.reportedMs = Number.NEGATIVE_INFINITY;
    }
    this.events.because(why).event(typedNode(this.node), "Normal", "Starting", "Starting kubelet.");
    await this.report(this.node, why);
    this.renew(why);
  }

  private async report(node: Node, why: Why): Promise<void> {
    const nowMs = this.ctx.clock.nowMs();
    const status = nodeStatus(this.currentFacts(), node.status, nowMs);
    const isDue = nowMs - this.reportedMs >= this.options.nodeStatusReportMs;
    if (hasNodeStatus(node.status ?? {}, status) && (!isDue || this.reportedMs === 0)) {
      if (this.reportedMs === 0) this.reportedMs = nowMs;
      return;
    }
    // Conditions and capacities of others stay: a strategic merge patch merges by type and by name.
    const options = { subresource: "status", patchType: "application/strategic-merge-patch+json" as const };
    const client = this.client.because(why);
    this.node = await client.patch(nodes, this.options.nodeName, undefined, { status }, options);
    this.reportedMs = nowMs;
    this.tell(node, this.node, why);
  }

  /** Says what has changed since `before`, as Kubernetes' events and in the record. */
  private tell(before: Node | undefined, node: Node, why: Why): void {
    const isReady = isNodeReady(node);
    const subject = `nodes/${this.options.nodeName}`;
    const isNew = isReady !== (before === undefined ? undefined : isNodeReady(before));
    const changed = isNew ? this.ctx.trace.event("node.status", subject, { ready: isReady }, why) : why;
    for (const { type, reason } of nodeNews(before, node)) {
      const message = `Node ${this.options.nodeName} status is now: ${reason}`;
      this.events.because(changed).event(typedNode(node), type, reason, message);
    }
  }

  private renew(why: Why): void {
    if (this.isRenewing || this.node === undefined) return;
    this.isRenewing = true;
    this.ctx.spawn(async () => {
      try {
        await this.renewLease(this.leaseClient.because(why));
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        // Another incarnation's write, or a deletion: read it anew.
        this.lease = undefined;
        this.ctx.log.warn("node lease not renewed", { error: error.message });
      } finally {
        this.isRenewing = false;
      }
    });
  }

  private async renewLease(client: Client): Promise<void> {
    const { nodeName, leaseDurationSeconds } = this.options;
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds,
      renewTime: formatMicroTime(this.ctx.clock.nowMs()),
    };
    const known = this.lease ?? (await client.find(leases, nodeName, LEASE_NAMESPACE));
    if (known !== undefined) {
      this.lease = await client.update(leases, { ...known, spec: { ...known.spec, ...spec } });
      return;
    }
    const uid = this.node?.metadata?.uid;
    const ownerReferences = uid === undefined ? [] : [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }];
    const metadata = { name: nodeName, namespace: LEASE_NAMESPACE, ownerReferences };
    this.lease = await client.create(leases, { metadata, spec });
  }
}

/** The API's answers tell no kind of what a list has. */
function typedNode(node: Node): Node {
  return { ...node, apiVersion: "v1", kind: "Node" };
}
