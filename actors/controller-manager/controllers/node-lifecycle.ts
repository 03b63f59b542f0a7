/** Node lifecycle: tells lost nodes by their Leases, marks them and their pods, taints nodes by their conditions. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Node } from "../../../protocols/kubernetes/types/core-v1.ts";
import { formatTime } from "../../../runtime/clock.ts";
import { leases, nodes, pods } from "../../client/resources.ts";
import type { Result, WorkQueue } from "../../client/work-queue.ts";
import { lostConditions, NodeHealth, plannedTaints, readyStatus } from "../core/node-health.ts";
import { isReady } from "../core/pods.ts";
import { Limit } from "../limit.ts";
import { NodeMetrics } from "../node-metrics.ts";
import type { Session } from "../session.ts";

const LEASE_NAMESPACE = "kube-node-lease";

export function nodeLifecycleController(session: Session): void {
  new NodeLifecycle(session).register();
}

class NodeLifecycle {
  private readonly session: Session;
  private readonly health: NodeHealth;
  private readonly queue: WorkQueue;
  private readonly limit: Limit;
  private readonly metrics: NodeMetrics;

  constructor(session: Session) {
    const { nodeMonitorGraceMs: graceMs, nodeStartupGraceMs: startupGraceMs, podWritesMax } = session.options;
    this.session = session;
    this.health = new NodeHealth({ graceMs, startupGraceMs });
    this.limit = new Limit(podWritesMax);
    this.metrics = new NodeMetrics(session);
    this.queue = session.queue("node-lifecycle", (name, turn) => this.metrics.timed(this.reconcile(name, turn)));
  }

  register(): void {
    const { session } = this;
    const { clock } = session.ctx;
    session.nodes.onChange(({ type, object }) => {
      const name = object.metadata?.name ?? "";
      if (type === "deleted") {
        this.tell(object, "RemovingNode", `Removing Node ${name} from Controller`);
        return this.health.removeNode(name);
      }
      if (type === "added") this.tell(object, "RegisteredNode", `Registered Node ${name} in Controller`);
      this.health.addNode(name, clock.monotonicMs());
      this.health.renewed(name, session.leases.get(name, LEASE_NAMESPACE)?.spec, clock.monotonicMs());
      this.queue.add(name);
    });
    // A renewal only moves a deadline: the queue's own timer finds out when it passes.
    session.leases.onChange(({ type, object }) => {
      const name = object.metadata?.name ?? "";
      if (type === "deleted") return;
      if (this.health.renewed(name, object.spec, clock.monotonicMs())) this.queue.add(name);
    });
  }

  /** As Kubernetes' controller, each new leader tells of the nodes that it finds. */
  private tell(node: Node, reason: string, what: string): void {
    const name = node.metadata?.name ?? "";
    this.session.recorder.event({ ...typed(node) }, "Normal", reason, `Node ${name} event: ${what}`);
  }

  private async reconcile(name: string, turn: Session): Promise<Result> {
    const { health } = this;
    let session = turn;
    const { clock, log } = session.ctx;
    let node = session.nodes.get(name);
    if (node === undefined) return;
    const ownReport = node.status?.conditions?.find(({ type }) => type === "Ready")?.lastHeartbeatTime;
    health.reported(name, ownReport, clock.monotonicMs());
    if (!health.isLost(name) && health.leftMs(name, clock.monotonicMs()) === 0) {
      const lease = await session.client.find(leases, name, LEASE_NAMESPACE);
      health.renewed(name, lease?.spec, clock.monotonicMs());
      if (health.leftMs(name, clock.monotonicMs()) === 0 && health.timeUp(name, clock.monotonicMs())) {
        log.warn("node lost", { node: name });
        this.metrics.lost(node);
        const expired = session.ctx.trace.later("timer", "lease expiry", undefined, "");
        session = session.because(session.ctx.trace.event("node-lost", `nodes/${name}`, {}, expired));
      }
    }
    if (session.stopped) return;
    if (health.isLost(name)) node = await this.markLost(session, node);
    await this.taint(session, node);
    const ready = readyStatus(node);
    if (ready === "Unknown" || ready === "False") await this.markPods(session, node);
    return health.isLost(name) ? undefined : { afterMs: Math.max(1, health.leftMs(name, clock.monotonicMs())) };
  }

  private async markLost({ client, recorder, ctx }: Session, node: Node): Promise<Node> {
    const conditions = lostConditions(node, formatTime(ctx.clock.nowMs()));
    if (conditions === undefined) return node;
    const name = node.metadata?.name ?? "";
    const marked = await client.patch(
      nodes,
      name,
      undefined,
      { status: { conditions } },
      { patchType: "application/strategic-merge-patch+json", subresource: "status" },
    );
    if (readyStatus(node) !== "Unknown") {
      recorder.event({ ...typed(node) }, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
    }
    return marked;
  }

  private async taint({ client, ctx }: Session, node: Node): Promise<void> {
    const taints = plannedTaints(node, formatTime(ctx.clock.nowMs()));
    if (taints === undefined) return;
    const { name = "", resourceVersion } = node.metadata ?? {};
    await client.patch(nodes, name, undefined, { metadata: { resourceVersion }, spec: { taints } });
  }

  /** The kubelet can't say that its pods serve no more: it is said for it. */
  private async markPods(session: Session, node: Node): Promise<void> {
    const name = node.metadata?.name ?? "";
    const time = formatTime(session.ctx.clock.nowMs());
    const ready = session.pods.byIndex("node", name).filter(isReady);
    await Promise.all(
      ready.map((pod) =>
        this.limit.run(async () => {
          if (session.stopped) return;
          const condition = { type: "Ready", status: "False", reason: "NodeNotReady", lastTransitionTime: time };
          const { name: podName = "", namespace, uid } = pod.metadata ?? {};
          try {
            await session.client.patch(
              pods,
              podName,
              namespace,
              { metadata: { uid }, status: { conditions: [condition] } },
              { patchType: "application/strategic-merge-patch+json", subresource: "status" },
            );
          } catch (error) {
            if (!hasReason(error, "NotFound", "Conflict")) throw error;
          }
        }),
      ),
    );
  }
}

function typed(node: Node): Node {
  return { apiVersion: "v1", kind: "Node", ...node };
}
