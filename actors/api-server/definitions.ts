/**
 * What follows from the CustomResourceDefinitions that are stored: their conditions, and, when one is deleted, the deletion of its
 * objects. Each API server does it; of those that race one wins, and the others find it done.
 * Source: apiextensions-apiserver `pkg/controller`.
 */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionStatus,
} from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { CatalogFollower } from "./catalog.ts";
import { DEFINITIONS_PREFIX } from "./catalog.ts";
import type { Termination } from "./core/custom/conditions.ts";
import { CLEANUP_FINALIZER, statusOf, terminating, withCondition } from "./core/custom/conditions.ts";
import { GrantedNames } from "./core/custom/granted-names.ts";
import { hasCondition, isEnding, terminationOf } from "./core/custom/lifecycle.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { notFound } from "./core/machinery/status.ts";
import { isReleased } from "./core/registry/deletion.ts";
import { isFault } from "./core/store-errors.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Registry, RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";

/** A look again at objects that finalizers hold. */
const RECHECK_MS = 1_000;
/** What its objects hold up for longer tells so. As in Kubernetes. */
const HELD_UP_MS = 60_000;
const HELD_UP = "could not confirm zero CustomResources remaining: context deadline exceeded";
/** For so long a definition may be on its way out without a change before another server takes over what may have been left. */
const TAKE_OVER_MS = 5_000;

export class Definitions {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly follower: CatalogFollower;
  private readonly groupOf = new Map<string, string>();
  private readonly granted = new GrantedNames();
  /** Those that wait for names, by group. */
  private readonly waiting = new Map<string, Set<string>>();
  /** Those whose status may not be what it should be. */
  private readonly unsettled = new Set<string>();
  private settling = false;
  /** Those whose objects this server deletes, or looks after whoever does. */
  private readonly ending = new Set<string>();

  constructor(ctx: Context<ApiServerOptions>, registry: Registry, follower: CatalogFollower) {
    this.ctx = ctx;
    this.registry = registry;
    this.follower = follower;
    follower.onChange((name) => this.changed(name));
  }

  private changed(name: string): void {
    const definition = this.find(name);
    const group = definition?.spec.group ?? this.groupOf.get(name);
    if (group === undefined) return;
    if (definition === undefined) return this.forget(name, group);
    this.note(name, group, definition);
    this.settle(name);
    if (isEnding(definition)) this.end(name);
  }

  /** A definition of the group has let go of names, for which others may wait. */
  private freed(group: string): void {
    for (const name of this.waiting.get(group) ?? []) this.settle(name);
  }

  private find(name: string): CustomResourceDefinition | undefined {
    return this.registry.store.cache(DEFINITIONS_PREFIX).newest(name)?.object as CustomResourceDefinition | undefined;
  }

  private note(name: string, group: string, definition: CustomResourceDefinition): void {
    this.groupOf.set(name, group);
    if (hasCondition(definition, "NamesAccepted")) this.endWait(name, group);
    else this.waiting.set(group, (this.waiting.get(group) ?? new Set()).add(name));
    if (this.granted.note(definition)) this.freed(group);
  }

  private forget(name: string, group: string): void {
    this.groupOf.delete(name);
    this.endWait(name, group);
    if (this.granted.forget(name)) this.freed(group);
  }

  private endWait(name: string, group: string): void {
    const names = this.waiting.get(group);
    names?.delete(name);
    if (names?.size === 0) this.waiting.delete(group);
  }

  /** One after the other, so that of two that ask for one name the second finds it taken. */
  private settle(name: string): void {
    this.unsettled.add(name);
    if (this.settling) return;
    this.settling = true;
    this.ctx.spawn(async () => {
      for (const next of this.unsettled) {
        this.unsettled.delete(next);
        if (!(await this.attempt(next, () => this.writeStatus(next)))) this.unsettled.add(next);
        if (this.ctx.stopping.aborted) break;
      }
      this.settling = false;
    });
  }

  /** Whether there is nothing left to do. What has changed meanwhile comes again by the watch. */
  private async attempt(name: string, work: () => Promise<void>): Promise<boolean> {
    const { clock, options, log } = this.ctx;
    try {
      await work();
    } catch (error) {
      if (isFault(error)) {
        const message = error instanceof Error ? error.message : String(error);
        log.error("a definition can't be seen to by a fault of this server", { name, message });
      } else if (!(error instanceof InkubeError)) throw error;
      else if (!hasReason(error, "Conflict", "NotFound")) {
        log.warn("a definition can't be seen to yet", { name, code: error.code, message: error.message });
        await clock.sleep(options.retryCapMs);
        return false;
      }
    }
    return true;
  }

  private async writeStatus(name: string): Promise<void> {
    const definition = this.find(name);
    if (definition === undefined) return;
    const status = statusOf(definition, this.granted.takenFor(definition), this.ctx.clock.nowMs());
    if (status === definition.status) return;
    await this.update(name, { ...definition, status });
    // The next one may be asked for before the watch tells of this.
    const written = this.find(name);
    if (written !== undefined && this.granted.note(written)) this.freed(written.spec.group);
  }

  private async update(name: string, definition: CustomResourceDefinition): Promise<void> {
    const options = { fieldManager: "kube-apiserver" };
    await this.registry.update(this.scope(), this.place(name), "status", definition, options);
  }

  /** Who writes that the deletion is in progress does it; the others look whether it comes to its end. */
  private end(name: string): void {
    if (this.ending.has(name)) return;
    this.ending.add(name);
    this.ctx.spawn(async () => {
      while (!this.ctx.stopping.aborted) {
        const definition = this.find(name);
        if (definition === undefined || !isEnding(definition)) break;
        if (terminationOf(definition) === "InstanceDeletionPending") {
          if (await this.claim(name, definition)) await this.attempt(name, () => this.removeObjects(name));
        } else await this.takeOver(name, definition);
      }
      this.ending.delete(name);
    });
  }

  private async claim(name: string, definition: CustomResourceDefinition): Promise<boolean> {
    let won = false;
    await this.attempt(name, async () => {
      await this.update(name, this.ended(definition, "InstanceDeletionInProgress"));
      won = true;
    });
    // Who has lost waits for what the winner has written.
    if (!won) await this.ctx.clock.sleep(this.ctx.options.retryBaseMs);
    return won;
  }

  private async takeOver(name: string, { metadata }: CustomResourceDefinition): Promise<void> {
    await this.ctx.clock.sleep(TAKE_OVER_MS);
    const definition = this.find(name);
    if (definition === undefined || definition.metadata?.resourceVersion !== metadata?.resourceVersion) return;
    await this.attempt(name, async () => {
      if (terminationOf(definition) === "InstanceDeletionFailed") {
        await this.update(name, this.ended(definition, "InstanceDeletionInProgress"));
      }
      await this.removeObjects(name);
    });
  }

  private async removeObjects(name: string): Promise<void> {
    const { clock, stopping } = this.ctx;
    const { store } = this.registry;
    const toldFromMs = clock.monotonicMs() + HELD_UP_MS;
    let told = false;
    for (;;) {
      const { deadlineMs } = this.scope();
      await store.consistent(deadlineMs);
      const served = this.follower.storedBy(name);
      const definition = this.find(name);
      if (stopping.aborted || definition === undefined || !isEnding(definition)) return;
      const found = served === undefined ? [] : [...store.cacheOf(served).values()];
      if (served === undefined || found.length === 0) return this.release(name);
      const present = found.filter(({ object }) => object.metadata?.deletionTimestamp === undefined);
      await this.deleteObjects(name, served, present);
      if (!told && clock.monotonicMs() >= toldFromMs) {
        await this.tell(name, "InstanceDeletionCheck", HELD_UP);
        told = true;
      }
      if (present.length < found.length) await clock.sleep(RECHECK_MS);
    }
  }

  /** What can't be deleted is told by the definition, and tried again a little later. */
  private async deleteObjects(name: string, served: Served, present: readonly StoredObject[]): Promise<void> {
    const { stopping } = this.ctx;
    try {
      await this.registry.deleteAll(this.scope(), served, present, {}, () => stopping.aborted);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      // What a webhook converts is read before it is deleted.
      const what = served.conversion === undefined ? "could not issue all deletes" : "could not list instances";
      await this.tell(name, "InstanceDeletionFailed", `${what}: ${error.message}`);
      throw error;
    }
  }

  private async tell(name: string, how: Termination, problem: string): Promise<void> {
    const definition = this.find(name);
    if (definition !== undefined) await this.update(name, this.ended(definition, how, problem));
  }

  /** Nothing is left of it. */
  private async release(name: string): Promise<void> {
    const place = this.place(name);
    await this.registry.mutate(this.scope(), place, false, (current) => {
      if (current === undefined) throw notFound(place.served.info, name);
      const ending = current.object as CustomResourceDefinition;
      const how = hasCondition(ending, "Established") ? "InstanceDeletionCompleted" : "NeverEstablished";
      const definition = this.ended(ending, how);
      const finalizers = (definition.metadata?.finalizers ?? []).filter((each) => each !== CLEANUP_FINALIZER);
      const object = { ...definition, metadata: { ...definition.metadata, finalizers } } as unknown as Fields;
      return isReleased(place.served.rules, object) ? { action: "remove", object } : { action: "put", object };
    });
  }

  private ended(definition: CustomResourceDefinition, how: Termination, problem?: string): CustomResourceDefinition {
    const condition = terminating(how, problem);
    const conditions = withCondition(definition.status?.conditions ?? [], condition, this.ctx.clock.nowMs());
    const status: CustomResourceDefinitionStatus = { ...definition.status, conditions };
    return { ...definition, status };
  }

  private place(name: string): ObjectPlace {
    const served = this.registry.catalog.required("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    return { served, namespace: undefined, name };
  }

  private scope(): RequestScope {
    const { clock, options } = this.ctx;
    const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
    return { user: "system:apiserver", groups: ["system:masters"], deadlineMs, cause: this.ctx.trace.cause() };
  }
}
