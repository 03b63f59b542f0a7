/**
 * `metrics.k8s.io`: what nodes and pods use, as their kubelets tell when somebody asks. Nodes are asked at once; one that does not
 * answer is passed over with its pods, as metrics-server does.
 */
import type { KubernetesObject, ListOptions } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { StatsSummary } from "../../protocols/kubelet.ts";
import type { Node, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Served } from "./core/catalog/catalog.ts";
import { nodeMetrics, podMetrics } from "./core/kinds/metrics/usage.ts";
import { notFound } from "./core/machinery/status.ts";
import { selectionOf } from "./core/registry/present.ts";
import type { Lists, ObjectList } from "./lists.ts";
import type { LiveObjects } from "./live-objects.ts";
import { liveList } from "./live-objects.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Registry, RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";

/**
 * What a node's kubelet tells of its containers.
 * @param timeoutMs until when it may take
 * Errors: an `InkubeError` when it can't be reached.
 */
export type ReadStats = (node: Node, access: KubeletAccess, timeoutMs: number) => Promise<StatsSummary>;

/** By what a kubelet knows that an API server asks. */
export type KubeletAccess = Pick<ApiServerOptions, "kubeletToken" | "kubeletClient">;

/** Where there are no sockets. */
export const noStats: ReadStats = ({ metadata }) =>
  Promise.reject(new InkubeError("CONNECTION_FAILED", `the kubelet of ${metadata?.name ?? ""} can't be reached`));

/** A kubelet that has to look twice takes one second. */
const ANSWER_MS = 5_000;

export class Metrics implements LiveObjects {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly lists: Lists;
  private readonly read: ReadStats;

  constructor(ctx: Context<ApiServerOptions>, registry: Registry, lists: Lists, read: ReadStats) {
    this.ctx = ctx;
    this.registry = registry;
    this.lists = lists;
    this.read = read;
  }

  async list(
    scope: RequestScope,
    served: Served,
    namespace: string | undefined,
    { labelSelector, fieldSelector }: ListOptions,
  ): Promise<ObjectList> {
    // What may be selected by are fields of the metrics.
    selectionOf(served, labelSelector, fieldSelector);
    const options = {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    const { items } = await this.lists.list(scope, this.core(served.info.resource), namespace, options);
    const objects = items.map(({ object }) => object);
    const measured = await (served.info.namespaced ? this.ofPods(scope, objects) : this.ofNodes(scope, objects));
    return liveList(served, measured);
  }

  /** @throws Status 404 also when nobody knows what it uses */
  async get(scope: RequestScope, { served, namespace, name }: ObjectPlace): Promise<KubernetesObject> {
    const { info } = served;
    const of = this.core(info.resource);
    let object: KubernetesObject;
    try {
      ({ object } = await this.registry.get(scope, { served: of, namespace, name }, "0"));
    } catch (error) {
      if (info.namespaced || !hasReason(error, "NotFound")) throw error;
      throw notFound(info, name);
    }
    const [found] = await (info.namespaced ? this.ofPods(scope, [object]) : this.ofNodes(scope, [object]));
    if (found === undefined) throw notFound(info, namespace === undefined ? name : `${namespace}/${name}`);
    return found;
  }

  private async ofNodes(scope: RequestScope, nodes: readonly Node[]): Promise<readonly KubernetesObject[]> {
    const summaries = await this.ask(scope, nodes);
    return nodes.flatMap((node) => {
      const summary = summaries.get(node.metadata?.name ?? "");
      return summary === undefined ? [] : [nodeMetrics(node, summary.node, this.ctx.clock.nowMs())];
    });
  }

  private async ofPods(scope: RequestScope, pods: readonly Pod[]): Promise<readonly KubernetesObject[]> {
    const nodes = this.registry.store.cacheOf(this.core("nodes"));
    const names = new Set(pods.map(({ spec }) => spec?.nodeName ?? ""));
    const summaries = await this.ask(
      scope,
      [...names].flatMap((name) => (nodes.newest(name)?.object as Node | undefined) ?? []),
    );
    const byUid = new Map(
      [...summaries.values()].flatMap((summary) => summary.pods.map((pod) => [pod.podRef.uid, pod] as const)),
    );
    return pods.flatMap((pod) => {
      const measured = byUid.get(pod.metadata?.uid ?? "");
      return measured === undefined ? [] : [podMetrics(pod, measured, this.ctx.clock.nowMs())];
    });
  }

  private async ask(scope: RequestScope, nodes: readonly Node[]): Promise<ReadonlyMap<string, StatsSummary>> {
    const { clock, log, options } = this.ctx;
    const timeoutMs = Math.min(ANSWER_MS, scope.deadlineMs - clock.monotonicMs());
    const found = new Map<string, StatsSummary>();
    await Promise.all(
      nodes.map(async (node) => {
        const name = node.metadata?.name ?? "";
        try {
          found.set(name, await this.read(node, options, timeoutMs));
        } catch (error) {
          if (!(error instanceof InkubeError)) throw error;
          log.debug("a kubelet does not tell what it measures", { node: name, error: error.message });
        }
      }),
    );
    return found;
  }

  private core(resource: string): Served {
    return this.registry.catalog.required("", "v1", resource);
  }
}
