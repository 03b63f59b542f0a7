/**
 * Keeps the objects of priority and fairness: those of a fresh control plane come back, and each FlowSchema tells whether its level is
 * there. Each API server does it; of those that race one wins, and the others find it done.
 * Source: Kubernetes `pkg/registry/flowcontrol/rest`; apiserver `util/flowcontrol/apf_controller.go`.
 */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { FlowSchema } from "../../protocols/kubernetes/types/flowcontrol-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import { Applies } from "./applies.ts";
import { FLOW_CONSUMER, flowControl } from "./core/bootstrap/initial-objects.ts";
import { danglingChange } from "./core/flow/dangling.ts";
import { formatTime } from "./core/machinery/time.ts";
import { FLOW_SCHEMAS_PREFIX, PRIORITY_LEVELS_PREFIX } from "./flow-control.ts";
import { InitialObjects } from "./initial-objects.ts";
import type { Registry, RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";
import { Settling } from "./settling.ts";

/** How often it is looked whether they are as they were made, as in Kubernetes. */
const REPAIR_EVERY_MS = 60_000;
const GROUP = "flowcontrol.apiserver.k8s.io";

export class FlowObjects {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly applies: Applies;
  /** FlowSchemas that may not tell what is so. */
  private readonly schemas: Settling;

  constructor(ctx: Context<ApiServerOptions>, registry: Registry) {
    this.ctx = ctx;
    this.registry = registry;
    this.applies = new Applies(ctx, registry);
    this.schemas = new Settling(
      ctx,
      (name) => this.changeOf(name) !== undefined,
      (name) => this.settled(name),
    );
  }

  /** Once what a fresh control plane has is there. */
  start(): void {
    const { store } = this.registry;
    const all = (): void => this.schemas.settle([...store.cache(FLOW_SCHEMAS_PREFIX).values()].map(({ key }) => key));
    store.follow(FLOW_SCHEMAS_PREFIX, { loaded: all, changed: (name) => this.schemas.settle([name]) });
    store.follow(PRIORITY_LEVELS_PREFIX, { loaded: all, changed: all });
    all();
    let isRepairing = false;
    this.ctx.clock.every(REPAIR_EVERY_MS, () => {
      if (isRepairing) return;
      isRepairing = true;
      this.ctx.spawn(async () => {
        await this.attempt("the objects of priority and fairness can't be repaired yet", () => this.repair());
        isRepairing = false;
      });
    });
  }

  private async repair(): Promise<void> {
    await this.registry.store.consistent(this.scope().deadlineMs);
    await new InitialObjects(this.ctx, this.registry, this.registry.catalog).write(flowControl(), () => this.scope());
  }

  private async settled(name: string): Promise<boolean> {
    const isDone = await this.attempt("a FlowSchema can't be told about its level yet", () => this.tell(name));
    if (!isDone) await this.ctx.clock.sleep(this.ctx.options.retryCapMs);
    return isDone;
  }

  private changeOf(name: string): ReturnType<typeof danglingChange> {
    const { store } = this.registry;
    const schema = store.cache(FLOW_SCHEMAS_PREFIX).newest(name)?.object as FlowSchema | undefined;
    if (schema === undefined) return undefined;
    const level = schema.spec?.priorityLevelConfiguration.name ?? "";
    return danglingChange(schema, store.cache(PRIORITY_LEVELS_PREFIX).newest(level) !== undefined);
  }

  private async tell(name: string): Promise<void> {
    const { registry } = this;
    const scope = this.scope();
    // Another server may have told it.
    await registry.store.consistent(scope.deadlineMs);
    const change = this.changeOf(name);
    if (change === undefined) return;
    const served = registry.catalog.required(GROUP, "v1", "flowschemas");
    const { apiVersion, kind } = served.info;
    const conditions = [{ ...change, lastTransitionTime: formatTime(this.ctx.clock.nowMs()) }];
    const value = { apiVersion, kind, metadata: { name }, status: { conditions } };
    const options = { fieldManager: FLOW_CONSUMER, force: true };
    const place = { served, namespace: undefined, name };
    await this.applies.apply(scope, place, "status", { value, duplicates: [] }, options);
  }

  /** Whether there is nothing left to do. What has changed meanwhile comes again by the watch. */
  private async attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      if (hasReason(error, "Conflict", "NotFound")) return true;
      this.ctx.log.warn(what, { code: error.code, message: error.message });
      return false;
    }
  }

  private scope(): RequestScope {
    const { clock, options } = this.ctx;
    const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
    return { user: "system:apiserver", groups: ["system:masters"], deadlineMs, cause: this.ctx.trace.cause() };
  }
}
