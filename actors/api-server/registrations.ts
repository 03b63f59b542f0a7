/** Keeps the APIServices of CustomResourceDefinitions. Each API server does it; of those that race one wins, and the others find it done. */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { APIService } from "../../protocols/kubernetes/types/apiregistration-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import { API_SERVICES_PREFIX } from "./aggregation.ts";
import { DEFINITIONS_PREFIX } from "./catalog.ts";
import { DefinedVersions, registrationOf } from "./core/aggregation/registration.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Registry, RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";
import { Settling } from "./settling.ts";

const WRITTEN_BY = { fieldManager: "kube-apiserver" };

export class Registrations {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly defined = new DefinedVersions();
  /** Of APIServices that may not be as they should be. */
  private readonly services: Settling;

  constructor(ctx: Context<ApiServerOptions>, registry: Registry) {
    this.ctx = ctx;
    this.registry = registry;
    this.services = new Settling(
      ctx,
      (name) => this.changeOf(name) !== undefined,
      (name) => this.attempt(name),
    );
  }

  follow(): void {
    const { store } = this.registry;
    store.follow(DEFINITIONS_PREFIX, {
      loaded: () => this.definitionsLoaded(),
      changed: (name) => this.services.settle(this.defined.note(name, this.definition(name))),
    });
    store.follow(API_SERVICES_PREFIX, {
      loaded: () => this.services.settle([...store.cache(API_SERVICES_PREFIX).values()].map(({ key }) => key)),
      changed: (name) => this.services.settle([name]),
    });
  }

  private definitionsLoaded(): void {
    const names = [...this.registry.store.cache(DEFINITIONS_PREFIX).values()].map(({ key }) => key);
    const all = new Set([...this.defined.definitions, ...names]);
    this.services.settle([...all].flatMap((name) => this.defined.note(name, this.definition(name))));
  }

  private definition(name: string): CustomResourceDefinition | undefined {
    return this.registry.store.cache(DEFINITIONS_PREFIX).get(name)?.object as CustomResourceDefinition | undefined;
  }

  private changeOf(name: string): ReturnType<typeof registrationOf> {
    const current = this.registry.store.cache(API_SERVICES_PREFIX).newest(name)?.object as APIService | undefined;
    return registrationOf(name, current, this.defined.has(name));
  }

  /** Whether there is nothing left to do. What has changed meanwhile comes again by the watch. */
  private async attempt(name: string): Promise<boolean> {
    const { clock, options, log } = this.ctx;
    try {
      await this.carryOut(name);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      if (!hasReason(error, "AlreadyExists", "Conflict", "NotFound")) {
        log.warn("the APIService of a definition can't be seen to yet", { name, message: error.message });
        // What is refused is refused again.
        if (hasReason(error, "Invalid")) return true;
        await clock.sleep(options.retryCapMs);
        return false;
      }
    }
    return true;
  }

  private async carryOut(name: string): Promise<void> {
    const { registry } = this;
    const scope = this.scope();
    // All caches are of one moment then: an APIService that is there has its definition there, too.
    await registry.store.consistent(scope.deadlineMs);
    const change = this.changeOf(name);
    const served = registry.catalog.required("apiregistration.k8s.io", "v1", "apiservices");
    const place: ObjectPlace = { served, namespace: undefined, name };
    switch (change?.action) {
      case "create":
        await registry.create(scope, served, undefined, change.object, WRITTEN_BY);
        return;
      case "update":
        await registry.update(scope, place, undefined, change.object, WRITTEN_BY);
        return;
      case "delete":
        await registry.delete(scope, place, { preconditions: { uid: change.uid } });
        return;
      case undefined:
    }
  }

  private scope(): RequestScope {
    const { clock, options } = this.ctx;
    const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
    return { user: "system:apiserver", groups: ["system:masters"], deadlineMs, cause: this.ctx.trace.cause() };
  }
}
