/**
 * What a new object rests on: its namespace, the definition of its kind, what a controller makes beside it. Looked at before it is
 * decided upon, and again when it is written, for deciding may take long.
 * Source: admission plugin NamespaceLifecycle; apiextensions-apiserver `pkg/apiserver/customresource_handler.go`.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Compare } from "../../protocols/etcd.ts";
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import { DEFINITIONS_PREFIX } from "./catalog.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import { hasCondition } from "./core/custom/lifecycle.ts";
import { isTerminating } from "./core/kinds/core/namespace.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { noSuchResource, notFound } from "./core/machinery/status.ts";
import { terminatingNamespace } from "./core/registry/answers.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import { keyOf, refuseTerminating, terminatingDefinition } from "./core/registry/place.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** Patience with the account of a new namespace, as kube-apiserver's, and how often it is looked for. */
const NEEDS_MS = 1_500;
const NEEDS_LOOK_MS = 20;
const NAMESPACES = "/registry/namespaces";

/**
 * What must still be so in etcd for a new object to be written.
 * @throws Status 403 and 404 when by what the cache knows it is not
 */
export type Rests = () => readonly Compare[];

export class LifecycleAdmission {
  private readonly ctx: Pick<Context<ApiServerOptions>, "clock" | "options">;
  private readonly store: Store;

  constructor(ctx: Pick<Context<ApiServerOptions>, "clock" | "options">, store: Store) {
    this.ctx = ctx;
    this.store = store;
  }

  /** Nothing is made in a namespace that is not there, or is on its way out, nor of such a definition. */
  async admit(deadlineMs: number, place: ObjectPlace, incoming: KubernetesObject): Promise<void> {
    const { served, namespace, name } = place;
    refuseTerminating(served, name);
    if (!served.info.namespaced || namespace === undefined) return;
    if (this.store.cache(NAMESPACES).newest(namespace) === undefined) await this.store.consistent(deadlineMs);
    this.refuse(place);
    await this.awaitNeeds(served, namespace, incoming);
  }

  /** As `admit`, of an object that is not there as far as is known, and so is about to be made. */
  async admitAbsent(deadlineMs: number, place: ObjectPlace, incoming: KubernetesObject): Promise<void> {
    if (this.store.cacheOf(place.served).newest(keyOf(place)) !== undefined) return;
    await this.admit(deadlineMs, place, incoming);
  }

  /** @throws Status 404 and 403, by what the cache knows */
  refuse({ served, namespace, name }: ObjectPlace): void {
    const { info } = served;
    refuseTerminating(served, name);
    if (!info.namespaced || namespace === undefined) return;
    const stored = this.store.cache(NAMESPACES).newest(namespace);
    if (stored === undefined) throw notFound({ group: "", resource: "namespaces" }, namespace);
    if (isTerminating(stored.object as Fields)) throw terminatingNamespace(info, name, namespace);
  }

  /** What an object rests on that is about to be decided upon. */
  restsOf(place: ObjectPlace): Rests {
    const { info } = place.served;
    if (this.store.isBuiltIn(info.storagePrefix ?? "")) {
      return () => {
        this.refuse(place);
        return [];
      };
    }
    const uid = this.definitionOf(place.served)?.object.metadata?.uid;
    return () => {
      this.refuse(place);
      const definition = this.definitionOf(place.served);
      if (definition === undefined || definition.object.metadata?.uid !== uid) throw noSuchResource();
      if (hasCondition(definition.object as CustomResourceDefinition, "Terminating")) {
        throw terminatingDefinition(info, place.name);
      }
      // Another server may already know that it is on its way out, and have looked for what is left of it.
      const key = `${DEFINITIONS_PREFIX}/${definition.key}`;
      return [{ key, result: "equal", target: "mod", value: definition.revision }];
    };
  }

  private definitionOf({ info }: Served): StoredObject | undefined {
    return this.store.cache(DEFINITIONS_PREFIX).newest(`${info.resource}.${info.group}`);
  }

  /** A moment for what a controller makes in a new namespace; without it the creation is refused later on. */
  private async awaitNeeds(
    { stored: { rules } }: Served,
    namespace: string,
    incoming: KubernetesObject,
  ): Promise<void> {
    const { clock, options } = this.ctx;
    const needed = options.serviceAccounts.admission ? rules.awaits?.(incoming as Fields, namespace) : undefined;
    if (needed === undefined) return;
    const cache = this.store.cache(needed.prefix);
    const untilMs = clock.monotonicMs() + NEEDS_MS;
    while (cache.newest(needed.key) === undefined && clock.monotonicMs() < untilMs) await clock.sleep(NEEDS_LOOK_MS);
  }
}
