/**
 * The generic registry: every verb on every resource that is stored, driven by the resource table and the strategies.
 * Both doors, actors' messages and HTTPS, end here. Source: apiserver `registry/generic/registry.Store`.
 */
import type { DeleteOptions, KubernetesObject, PatchType, WriteOptions } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import type { InkubeError } from "../../protocols/errors.ts";
import type { Binding } from "../../protocols/kubernetes/types/core-v1.ts";
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import type { Context } from "../../runtime/actor.ts";
import type { ResourceCache } from "./core/cache/resource-cache.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import { patchObject } from "./core/machinery/patch/apply-patch.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  generateNameConflict,
  invalid,
  notFound,
  success,
  unexplained,
} from "./core/machinery/status.ts";
import type { Answer, Eviction } from "./core/registry/answers.ts";
import { answerOf, plainAnswer, terminatingNamespace, writtenAnswer } from "./core/registry/answers.ts";
import { decideDeletion, failedPrecondition, isReleased } from "./core/registry/deletion.ts";
import { IMMORTAL_NAMESPACES, isTerminating, withSpecFinalizers } from "./core/registry/namespaces.ts";
import { bindPod } from "./core/registry/pods.ts";
import { toServed, toStored } from "./core/registry/present.ts";
import { replicasOf, toScale, validateScale, withReplicas } from "./core/registry/scale.ts";
import type { AddressRanges } from "./core/registry/services.ts";
import { allocate, claimsOf, ipRange } from "./core/registry/services.ts";
import type { Fields } from "./core/registry/strategy.ts";
import { strategyOf } from "./core/registry/strategy.ts";
import { prepareCreate, prepareUpdate, sameStored } from "./core/registry/write.ts";
import { EventLeases } from "./event-leases.ts";
import { BrokenInvariant } from "./core/broken-invariant.ts";
import { checkDeleteOptions } from "./core/rest/options.ts";
import type { Mutated, Outcome, Taken } from "./mutation.ts";
import { Mutations } from "./mutation.ts";
import { requiredInfo, storedInfo } from "./resource-lookup.ts";
import { parseRevision, reach } from "./revisions.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** Names drawn for one `generateName`. As in Kubernetes. */
const NAME_TRIES_MAX = 8;

/** On whose behalf, how long, and because of what. */
export interface RequestScope {
  readonly user: string;
  readonly groups: readonly string[];
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly cause: string;
}

export interface ObjectPlace {
  readonly info: ResourceInfo;
  readonly namespace: string | undefined;
  readonly name: string;
}

export class Registry {
  readonly store: Store;
  private readonly ctx: Context<ApiServerOptions>;
  private readonly mutations: Mutations;
  private readonly leases: EventLeases;
  private readonly ranges: AddressRanges;

  constructor(ctx: Context<ApiServerOptions>, store: Store) {
    this.ctx = ctx;
    this.store = store;
    this.mutations = new Mutations(ctx, store);
    this.leases = new EventLeases(ctx, store);
    this.ranges = {
      ...ipRange(ctx.options.serviceCidr),
      firstNodePort: ctx.options.nodePortFirst,
      lastNodePort: ctx.options.nodePortLast,
    };
  }

  cacheOf(info: ResourceInfo): ResourceCache {
    return this.store.cache(info.storagePrefix ?? "");
  }

  /** @param resourceVersion absent: the newest; "0": what the cache has; else not older than this */
  async get(scope: RequestScope, place: ObjectPlace, resourceVersion?: string): Promise<StoredObject> {
    await reach(this.store, this.ctx.clock, scope.deadlineMs, resourceVersion);
    const stored = this.cacheOf(place.info).get(keyOf(place));
    if (stored === undefined) throw notFound(place.info, place.name);
    return stored;
  }

  async create(
    scope: RequestScope,
    info: ResourceInfo,
    namespace: string | undefined,
    incoming: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const metadata = incoming.metadata ?? {};
    checkNamespace(info, namespace, metadata.namespace);
    const prefix = metadata.generateName;
    if (!metadata.name && !prefix) {
      const message = "Required value: name or generateName is required";
      throw invalid(info, "", [{ reason: "FieldValueRequired", message, field: "metadata.name" }]);
    }
    await this.admit(scope, info, namespace, metadata.name ?? "");
    for (let tries = 1; ; tries++) {
      const name = metadata.name || `${prefix}${this.ctx.ids.suffix(5)}`;
      try {
        return await this.createNamed(scope, { info, namespace, name }, incoming, options);
      } catch (error) {
        if (metadata.name || !hasReason(error, "AlreadyExists")) throw error;
        if (tries >= NAME_TRIES_MAX) throw generateNameConflict(info, name);
      }
    }
  }

  async update(
    scope: RequestScope,
    place: ObjectPlace,
    subresource: string | undefined,
    incoming: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const { info, namespace, name } = place;
    const { metadata = {} } = incoming;
    checkIdentity(place, incoming);
    const create = info.createOnUpdate && subresource === undefined;
    if (create) await this.admit(scope, info, namespace, name);
    const lease = await this.leases.forWrite(info, scope.deadlineMs);
    const uid = this.ctx.ids.uuid();
    let old: KubernetesObject | undefined;
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current, taken) => {
      old = current?.object;
      if (current === undefined) {
        if (!create || metadata.resourceVersion) throw notFound(info, name);
        return this.creation(place, incoming, uid, taken, lease);
      }
      this.checkIncoming(place, incoming, current);
      return this.replacement(place, subresource, incoming, current, taken, lease);
    });
    const code = mutated.created ? 201 : 200;
    if (!tells(subresource)) return answerOf(info, mutated.stored, code);
    return writtenAnswer(info, mutated.stored, code, { old });
  }

  /** Patches what is stored now, again if that changes meanwhile. */
  async patch(
    scope: RequestScope,
    place: ObjectPlace,
    subresource: string | undefined,
    patchType: PatchType,
    patch: unknown,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const { info, name } = place;
    if (subresource === "scale") return this.patchScale(scope, place, patchType, patch, options);
    let warnings: readonly string[] = [];
    let old: KubernetesObject | undefined;
    const lease = await this.leases.forWrite(info, scope.deadlineMs);
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current, taken) => {
      if (current === undefined) throw notFound(info, name);
      old = current.object;
      const served = toServed(info, old);
      const patched = patchObject(patchType, info, served, patch, options.fieldValidation ?? "Warn");
      warnings = patched.warnings;
      this.checkIncoming(place, patched.object, current);
      return this.replacement(place, subresource, patched.object, current, taken, lease);
    });
    if (!tells(subresource)) return answerOf(info, mutated.stored, 200, warnings);
    return writtenAnswer(info, mutated.stored, 200, { old, warnings });
  }

  async delete(scope: RequestScope, place: ObjectPlace, options: DeleteOptions = {}): Promise<Answer> {
    const { info, name } = place;
    if (options.ignoreStoreReadErrorWithClusterBreakingPotential === true) throw readable(place);
    if (info.resource === "namespaces" && IMMORTAL_NAMESPACES.has(name)) {
      throw forbidden(info, name, "this namespace may not be deleted");
    }
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current) => {
      if (current === undefined) throw notFound(info, name);
      const failed = failedPrecondition(current.object as Fields, options.preconditions);
      if (failed !== undefined) throw conflict({ group: info.group, resource: info.kind }, name, failed);
      const deletion = decideDeletion(info, current.object as Fields, options, this.ctx.clock.nowMs());
      if (deletion.action === "update") return { action: "put", object: deletion.object };
      if (deletion.action === "pending") return { action: "keep" };
      return { action: "remove", release: releasedBy(info, current.object as Fields) };
    });
    if (mutated.action !== "remove" || strategyOf(info).returnsDeletedObject)
      return answerOf(info, mutated.stored, 200);
    const uid = mutated.stored.object.metadata?.uid;
    const group = info.group === "" ? {} : { group: info.group };
    return plainAnswer(success({ name, ...group, kind: info.resource, ...(uid === undefined ? {} : { uid }) }), 200);
  }

  /**
   * Deletes what a list has found, some at a time. Each deletion has a deadline of its own, so that it goes on for as long as
   * somebody waits for it, however much there is.
   */
  async deleteAll(
    scope: RequestScope,
    info: ResourceInfo,
    found: readonly StoredObject[],
    options: DeleteOptions,
    abandoned: () => boolean,
  ): Promise<void> {
    const { clock, options: limits } = this.ctx;
    let next = 0;
    let failed = false;
    const worker = async (): Promise<void> => {
      for (;;) {
        const stored = found[next++];
        if (stored === undefined || failed || abandoned()) return;
        const { namespace, name = "" } = stored.object.metadata ?? {};
        const deadlineMs = clock.monotonicMs() + limits.requestTimeoutMs;
        try {
          await this.delete({ ...scope, deadlineMs }, { info, namespace, name }, options);
        } catch (error) {
          if (hasReason(error, "NotFound")) continue;
          failed = true;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(limits.deleteWorkers, found.length) }, worker));
  }

  async getScale(scope: RequestScope, place: ObjectPlace): Promise<Answer> {
    return plainAnswer(toScale((await this.get(scope, place)).object), 200);
  }

  async updateScale(
    scope: RequestScope,
    place: ObjectPlace,
    scale: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    checkIdentity(place, scale);
    return this.scale(scope, place, () => scale, options);
  }

  /** Assigns a pod to a node. */
  async bind(
    scope: RequestScope,
    namespace: string,
    name: string,
    binding: Binding,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const info = requiredInfo("", "v1", "pods");
    const { metadata = {}, target } = binding;
    if (name === "") throw badRequest("Name parameter required.");
    if (metadata.name !== undefined && metadata.name !== name)
      throw badRequest("name in URL does not match name in Binding object");
    checkNamespace(info, namespace, metadata.namespace);
    const node = target.name ?? "";
    if (node === "") {
      const causes = [{ reason: "FieldValueRequired", message: "Required value", field: "target.name" }];
      throw invalid({ group: "", kind: "Binding" }, name, causes);
    }
    if (target.kind !== undefined && target.kind !== "" && target.kind !== "Node") {
      const supported = 'supported values: "Node", "<empty>"';
      throw unexplained(`target.kind: Unsupported value: ${JSON.stringify(target.kind)}: ${supported}`);
    }
    const annotations = metadata.annotations;
    await this.mutate(scope, { info, namespace, name }, options.dryRun === true, (current) => {
      if (current === undefined) throw notFound(info, name);
      const of = { group: "", resource: "pods/binding" };
      const uid = current.object.metadata?.uid;
      if (metadata.uid !== undefined && metadata.uid !== uid) {
        throw conflict(
          of,
          name,
          `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`,
        );
      }
      const bound = bindPod(
        current.object as Fields,
        annotations === undefined ? { node } : { node, annotations },
        this.ctx.clock.nowMs(),
      );
      if (typeof bound === "string") throw conflict(of, name, bound);
      return { action: "put", object: bound };
    });
    return plainAnswer({ ...success(), code: 201 } as KubernetesObject, 201);
  }

  /** Deletes a pod; budgets that would forbid it come with PodDisruptionBudget. */
  async evict(
    scope: RequestScope,
    namespace: string,
    name: string,
    eviction: Eviction,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const info = requiredInfo("", "v1", "pods");
    if (eviction.metadata?.name !== name) throw badRequest("name in URL does not match name in Eviction object");
    checkNamespace(info, namespace, eviction.metadata.namespace);
    const deletion = checkDeleteOptions(eviction.deleteOptions ?? {});
    const dryRun = options.dryRun === true || deletion.dryRun === true;
    await this.delete(scope, { info, namespace, name }, { ...deletion, dryRun });
    return plainAnswer({ ...success(), code: 201 } as KubernetesObject, 201);
  }

  /** Replaces the finalizers in the spec of a namespace; with the last one the namespace goes. */
  async finalize(
    scope: RequestScope,
    name: string,
    incoming: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const info = requiredInfo("", "v1", "namespaces");
    const place = { info, namespace: undefined, name };
    checkIdentity(place, incoming);
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current) => {
      if (current === undefined) throw notFound(info, name);
      this.checkIncoming(place, incoming, current);
      const object = withSpecFinalizers(current.object as Fields, incoming as Fields);
      return isReleased(info, object) ? { action: "remove", object } : { action: "put", object };
    });
    return answerOf(info, mutated.stored, 200);
  }

  private async createNamed(
    scope: RequestScope,
    place: ObjectPlace,
    incoming: KubernetesObject,
    options: WriteOptions,
  ): Promise<Answer> {
    const lease = await this.leases.forWrite(place.info, scope.deadlineMs);
    const uid = this.ctx.ids.uuid();
    const versioned = isVersioned(incoming) && options.dryRun !== true;
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current, taken) => {
      if (versioned) {
        // Only an object that is valid gets as far as the store, which then refuses it.
        this.creation(place, incoming, uid, taken, lease);
        throw unexplained("resourceVersion should not be set on objects to be created");
      }
      if (current !== undefined) {
        // Our own object: an attempt whose answer was lost has made it.
        if (current.object.metadata?.uid === uid) return { action: "keep" };
        const deleting = current.object.metadata?.deletionTimestamp !== undefined;
        throw alreadyExists(place.info, place.name, deleting);
      }
      return this.creation(place, incoming, uid, taken, lease);
    });
    return writtenAnswer(place.info, mutated.stored, 201, {});
  }

  private creation(
    place: ObjectPlace,
    incoming: KubernetesObject,
    uid: string,
    taken: Taken,
    lease: string | undefined,
  ): Outcome {
    const { info, namespace, name } = place;
    const { options, clock } = this.ctx;
    const { tolerationSeconds } = options;
    const base = storedInfo(info);
    const accounts = this.store.cache("/registry/serviceaccounts");
    // A refusal that rests on a cache that lags is decided again on what a quorum says.
    const hasServiceAccount = (where: string, account: string): boolean =>
      accounts.newest(`${where}/${account}`) !== undefined;
    const creation = { nowMs: clock.nowMs(), tolerationSeconds, hasServiceAccount, uid, name, namespace };
    const object = prepareCreate(base, toStored(info, incoming), creation);
    return this.withAddresses(base, object, undefined, taken, lease);
  }

  private replacement(
    place: ObjectPlace,
    subresource: string | undefined,
    incoming: KubernetesObject,
    current: StoredObject,
    taken: Taken,
    lease: string | undefined,
  ): Outcome {
    const base = storedInfo(place.info);
    const object = prepareUpdate(base, toStored(place.info, incoming), current.object, subresource);
    if (isReleased(base, object))
      return { action: "remove", object, release: releasedBy(base, current.object as Fields) };
    const outcome = this.withAddresses(base, object, current.object as Fields, taken, lease);
    return outcome.action === "put" && sameStored(current.object, outcome.object) ? { action: "keep" } : outcome;
  }

  private withAddresses(
    info: ResourceInfo,
    object: Fields,
    old: Fields | undefined,
    taken: Taken,
    lease: string | undefined,
  ): Outcome {
    const leased = lease === undefined ? {} : { lease };
    if (info.resource !== "services") return { action: "put", object, ...leased };
    const { claims } = this.store;
    const allocation = allocate(object, old, this.ranges, {
      has: (claim) => claims.has(claim) || taken.has(claim),
      below: (bound) => this.ctx.random.below(bound),
    });
    if (!("claim" in allocation)) throw invalid(info, object.metadata?.name ?? "", allocation);
    return { action: "put", object: allocation.object, claim: allocation.claim, release: allocation.release };
  }

  private checkIncoming(place: ObjectPlace, incoming: KubernetesObject, current: StoredObject): void {
    const { info, name } = place;
    const { uid, resourceVersion } = incoming.metadata ?? {};
    const present = current.object.metadata?.uid;
    if (uid !== undefined && uid !== present) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present}`;
      const key = `${info.storagePrefix}/${current.key}`;
      const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
      throw conflict(info, name, text);
    }
    if (!resourceVersion || resourceVersion === "0") {
      if (info.unconditionalUpdate) return;
      const message = "Invalid value: 0: must be specified for an update";
      const causes = [{ reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" }];
      throw invalid({ group: info.group, kind: info.resource }, name, causes);
    }
    if (parseRevision(resourceVersion) !== current.revision) throw conflict(info, name);
  }

  private patchScale(
    scope: RequestScope,
    place: ObjectPlace,
    patchType: PatchType,
    patch: unknown,
    options: WriteOptions,
  ): Promise<Answer> {
    const kind = { apiVersion: "autoscaling/v1", kind: "Scale" };
    const decide = (current: KubernetesObject): KubernetesObject => {
      const patched = patchObject(patchType, kind, toScale(current), patch, options.fieldValidation ?? "Warn");
      return patched.object;
    };
    return this.scale(scope, place, decide, options);
  }

  private async scale(
    scope: RequestScope,
    place: ObjectPlace,
    scaleOf: (current: KubernetesObject) => KubernetesObject,
    options: WriteOptions,
  ): Promise<Answer> {
    const { info, name } = place;
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current, taken) => {
      if (current === undefined) throw notFound(info, name);
      const scale = scaleOf(current.object);
      const causes = validateScale(scale);
      if (causes.length > 0) throw invalid({ group: "autoscaling", kind: "Scale" }, name, causes);
      const { resourceVersion } = scale.metadata ?? {};
      if (resourceVersion && parseRevision(resourceVersion) !== current.revision) throw conflict(info, name);
      const object = withReplicas(current.object as Fields, replicasOf(scale));
      return this.replacement(place, undefined, object, current, taken, undefined);
    });
    return plainAnswer(toScale(mutated.stored.object), 200);
  }

  private mutate(
    scope: RequestScope,
    place: ObjectPlace,
    dryRun: boolean,
    decide: (current: StoredObject | undefined, taken: Taken) => Outcome,
  ): Promise<Mutated> {
    const { deadlineMs, cause, user } = scope;
    return this.mutations.run({
      cache: this.cacheOf(place.info),
      key: keyOf(place),
      deadlineMs,
      cause,
      user,
      dryRun,
      decide,
    });
  }

  /** Admission plugin NamespaceLifecycle: nothing is made in a namespace that is not there, or is on its way out. */
  private async admit(
    scope: RequestScope,
    info: ResourceInfo,
    namespace: string | undefined,
    name: string,
  ): Promise<void> {
    if (!info.namespaced || namespace === undefined) return;
    const cache = this.store.cache("/registry/namespaces");
    let stored = cache.newest(namespace);
    if (stored === undefined) {
      await this.store.consistent(scope.deadlineMs);
      stored = cache.newest(namespace);
    }
    if (stored === undefined) throw notFound({ group: "", resource: "namespaces" }, namespace);
    if (isTerminating(stored.object as Fields)) throw terminatingNamespace(info, name, namespace);
  }
}

export function keyOf({ info, namespace, name }: ObjectPlace): string {
  if (!info.namespaced) return name;
  if (!namespace) throw new BrokenInvariant(`${info.resource} ${name} without a namespace`);
  return `${namespace}/${name}`;
}

/** An object that is put must say which it is. */
function checkIdentity({ info, namespace, name }: ObjectPlace, incoming: KubernetesObject): void {
  const given = incoming.metadata?.name;
  if (!given) {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  checkNamespace(info, namespace, incoming.metadata.namespace);
}

/** Whether what is written has a say in what is done, and so may be warned about. */
function tells(subresource: string | undefined): boolean {
  return subresource === undefined || subresource === "ephemeralcontainers";
}

function isVersioned(object: KubernetesObject): boolean {
  return /^0*[1-9]\d*$/.test(object.metadata?.resourceVersion ?? "");
}

function readable(place: ObjectPlace): InkubeError {
  const { info, name } = place;
  const why = "unsafe deletion is not allowed because the object is decodable from storage";
  const key = `${info.storagePrefix}/${keyOf(place)}`;
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return conflict(info, name, text);
}

function releasedBy(info: ResourceInfo, object: Fields): readonly string[] {
  return info.resource === "services" ? claimsOf(object) : [];
}

function checkNamespace(info: ResourceInfo, namespace: string | undefined, given: string | undefined): void {
  if (!info.namespaced || !given || given === namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}
