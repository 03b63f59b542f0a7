/**
 * Writes what a fresh control plane has (`core/bootstrap/`). Each API server does it when it starts, and the first wins; nobody
 * waits for it. It is some hundred objects, so they go many in one transaction.
 */
import type { WriteOptions } from "../../protocols/api-server.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Initial, InitialApply } from "./core/bootstrap/initial-objects.ts";
import { repaired } from "./core/bootstrap/initial-objects.ts";
import type { Catalog } from "./core/catalog/catalog.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { decodeObject } from "./core/machinery/decode-object.ts";
import { formatTime } from "./core/machinery/time.ts";
import { applyConfiguration } from "./core/managed-fields/field-manager.ts";
import { withManagedFields } from "./core/registry/field-writes.ts";
import { finished } from "./core/steps.ts";
import { prepareCreate, prepareUpdate } from "./core/registry/write.ts";
import type { JointWrite } from "./mutation.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Registry, RequestScope } from "./registry.ts";
import { keyOf } from "./core/registry/place.ts";
import type { ApiServerOptions } from "./spec.ts";

/** Objects of one transaction, of the 128 operations that etcd takes: what is made of them at a time keeps nobody waiting at the start. */
const WRITES_MAX = 20;

export class InitialObjects {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly catalog: Catalog;

  constructor(ctx: Context<ApiServerOptions>, registry: Registry, catalog: Catalog) {
    this.ctx = ctx;
    this.registry = registry;
    this.catalog = catalog;
  }

  /** The caches are those of a quorum when it is called. */
  async write(open: readonly Initial[], scope: () => RequestScope): Promise<void> {
    const { registry } = this;
    for (let at = 0; at < open.length;) {
      const writes = open.slice(at, at + WRITES_MAX).flatMap((initial) => this.writeOf(initial) ?? []);
      if (writes.length === 0 || (await registry.writeTogether(scope(), writes))) at += WRITES_MAX;
      // Another server was faster: what it has written is known then.
      else await registry.store.consistent(scope().deadlineMs);
    }
  }

  /** Undefined when there is nothing to do. */
  private writeOf(initial: Initial): JointWrite | undefined {
    const { store } = this.registry;
    const served = this.catalog.required(initial.group, "v1", initial.resource);
    const { name = "", namespace } = initial.object.metadata ?? {};
    const cache = store.cacheOf(served);
    const key = keyOf({ served, namespace, name });
    const base = cache.newest(key);
    if (base === undefined) return { cache, key, base, object: this.prepared(initial) };
    if (initial.keep === "as-it-is") return undefined;
    const object = repaired({ ...initial, object: this.prepared(initial) }, base.object as Fields);
    const manage = this.registry.managing({ served, namespace, name }, undefined, managerOf(initial), base);
    return (
      object && { cache, key, base, object: finished(prepareUpdate(served, object, base.object, undefined, manage)) }
    );
  }

  private prepared(initial: Initial): Fields {
    const { group, resource, object, applied } = initial;
    const { clock, ids, options } = this.ctx;
    const served = this.catalog.required(group, "v1", resource);
    const { store } = this.registry;
    const { name = "", namespace } = object.metadata ?? {};
    const creation = {
      nowMs: clock.nowMs(),
      tolerationSeconds: options.tolerationSeconds,
      serviceAccounts: options.serviceAccounts.admission,
      suffix: (length: number) => ids.suffix(length),
      find: (prefix: string, key: string) => store.cache(prefix).newest(key)?.object,
      all: () => [],
      uid: ids.uuid(),
      name,
      namespace,
    };
    const decoded = decodeObject(served.info, { value: object, duplicates: [] }, "Ignore").object;
    const place: ObjectPlace = { served, namespace, name };
    const manage = this.registry.managing(place, undefined, managerOf(initial));
    const prepared = finished(prepareCreate(served, decoded, creation, manage));
    return applied === undefined ? prepared : this.withApplied(place, prepared, applied);
  }

  private withApplied(place: ObjectPlace, object: Fields, applied: InitialApply): Fields {
    const { manager, subresource, fields } = applied;
    const { info, form } = place.served;
    const write = this.registry.writeOf(place, subresource, { fieldManager: manager });
    const head = { apiVersion: info.apiVersion, kind: info.kind, metadata: { name: place.name } };
    const configuration = { ...head, ...fields(formatTime(this.ctx.clock.nowMs())) };
    const { object: next, managedFields } = finished(applyConfiguration(write, object, configuration, false));
    const decoded = form.decode({ value: next, duplicates: [] }, "Ignore").object as Fields;
    return withManagedFields({ ...decoded, metadata: object.metadata ?? {} }, managedFields);
  }
}

function managerOf({ manager = "kube-apiserver" }: Initial): WriteOptions {
  return { fieldManager: manager };
}
