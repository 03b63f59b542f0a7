/** How the parts of the control plane are: members of etcd are asked, and of the others it is known whether they renew their Lease. */
import type { KubernetesObject, ListOptions } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { Lease } from "../../protocols/kubernetes/types/coordination-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { Health } from "./core/kinds/core/componentstatus.ts";
import { componentStatus, healthOfLeader, healthOfMember, unasked } from "./core/kinds/core/componentstatus.ts";
import { notFound } from "./core/machinery/status.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import { selectionOf } from "./core/registry/present.ts";
import type { ObjectList } from "./lists.ts";
import type { LiveObjects } from "./live-objects.ts";
import { liveList } from "./live-objects.ts";
import type { RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

const LEASES = "/registry/leases";
/** By what kube-apiserver calls them. */
const LEADERS: ReadonlyMap<string, string> = new Map([
  ["controller-manager", "kube-system/kube-controller-manager"],
  ["scheduler", "kube-system/kube-scheduler"],
]);

export class ComponentStatuses implements LiveObjects {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly names: readonly string[];

  constructor(ctx: Context<ApiServerOptions>, store: Store) {
    this.ctx = ctx;
    this.store = store;
    this.names = [...LEADERS.keys(), ...ctx.options.members].sort();
  }

  async list(
    scope: RequestScope,
    served: Served,
    _namespace: string | undefined,
    { labelSelector, fieldSelector }: ListOptions,
  ): Promise<ObjectList> {
    const selection = selectionOf(served, labelSelector, fieldSelector);
    const all = await Promise.all(this.names.map((name) => this.status(scope, name)));
    return liveList(served, all.filter(selection.matches));
  }

  async get(scope: RequestScope, { name }: ObjectPlace): Promise<KubernetesObject> {
    // Its name for itself, as kube-apiserver has it.
    if (!this.names.includes(name)) throw notFound({ group: "", resource: "componentstatus" }, name);
    return this.status(scope, name);
  }

  private async status(scope: RequestScope, name: string): Promise<KubernetesObject> {
    return componentStatus(name, await this.health(scope, name)) as KubernetesObject;
  }

  private async health(scope: RequestScope, name: string): Promise<Health> {
    const key = LEADERS.get(name);
    if (key === undefined) return this.healthOfMember(scope, name);
    const lease = this.store.cache(LEASES).newest(key)?.object as Lease | undefined;
    return healthOfLeader(key, lease, this.ctx.clock.nowMs());
  }

  /** Whether it reaches a quorum, and what it has to complain of. */
  private async healthOfMember({ deadlineMs }: RequestScope, name: string): Promise<Health> {
    const { clock, options } = this.ctx;
    const member = this.ctx.ref(etcdProtocol, name);
    const timeoutMs = Math.min(options.attemptTimeoutMs, deadlineMs - clock.monotonicMs());
    try {
      await member.call("readIndex", null, { timeoutMs });
      const { errors } = await member.call("status", null, { timeoutMs });
      return healthOfMember(errors);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      return unasked(error.message);
    }
  }
}
