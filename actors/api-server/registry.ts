/**
 * The generic registry: every verb on every resource that is stored, driven by the resource table and the strategies.
 * Both doors, actors' messages and HTTPS, end here. Source: apiserver `registry/generic/registry.Store`.
 */
import type { DeleteOptions, KubernetesObject, PatchType, WriteOptions } from "../../protocols/api-server.ts";
import { hasReason } from "../../protocols/api-server.ts";
import type { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Catalog, Served } from "./core/catalog/catalog.ts";
import { patchObject } from "./core/machinery/patch/apply-patch.ts";
import {
  alreadyExists,
  conflict,
  forbidden,
  generateNameConflict,
  invalid,
  notFound,
  success,
  unexplained,
} from "./core/machinery/status.ts";
import type { UserInfo } from "./core/identity.ts";
import type { Answer } from "./core/registry/answers.ts";
import { answerOf, plainAnswer, writtenAnswer } from "./core/registry/answers.ts";
import { decideDeletion, failedPrecondition, isReleased } from "./core/registry/deletion.ts";
import { ipRange } from "./core/kinds/core/service-addresses.ts";
import type { AddressRanges, Fields, IsSigned, KindRules } from "./core/kinds/rules.ts";
import type { Manage } from "./core/registry/field-writes.ts";
import { fieldWriteOf, speaksOfManagedFields, withManagedFields } from "./core/registry/field-writes.ts";
import type { FieldWrite } from "./core/managed-fields/field-manager.ts";
import { managedAfterUpdate } from "./core/managed-fields/field-manager.ts";
import { ownedOnce } from "./core/registry/owners.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import { checkIdentity, checkName, checkNamespace, checkTypeMeta, keyOf, readable } from "./core/registry/place.ts";
import { toServed } from "./core/registry/present.ts";
import type { Others } from "./core/registry/write.ts";
import { prepareCreate, prepareUpdate, sameStored } from "./core/registry/write.ts";
import type { Stepped, Steps } from "./core/steps.ts";
import type { Caller } from "./caller.ts";
import type { Conversions } from "./conversions.ts";
import { ConvertedWrites } from "./converted-writes.ts";
import { KnownConversions } from "./core/webhooks/conversion.ts";
import { EventLeases } from "./event-leases.ts";
import { LifecycleAdmission } from "./lifecycle-admission.ts";
import type { JointWrite, Mutated, Outcome, Taken } from "./mutation.ts";
import { Mutations } from "./mutation.ts";
import type { Pieces } from "./pieces.ts";
import { parseRevision, reach } from "./revisions.ts";
import { QuotaAdmission } from "./quota-admission.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** Names drawn for one `generateName`. As in Kubernetes. */
const NAME_TRIES_MAX = 8;

/** On whose behalf, how long, and because of what. */
export interface RequestScope extends UserInfo {
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  /** As `Write.workDeadlineMs`. */
  readonly workDeadlineMs?: number;
  readonly cause: string;
  /** Absent: somebody in this process, who waits to the end. */
  readonly caller?: Caller | undefined;
}

interface Patching {
  readonly place: ObjectPlace;
  readonly subresource: string | undefined;
  readonly patchType: PatchType;
  readonly patch: unknown;
  readonly options: WriteOptions;
}

export class Registry {
  readonly store: Store;
  readonly lifecycle: LifecycleAdmission;
  private readonly quotas: QuotaAdmission;
  private readonly follower: { readonly current: Catalog };
  private readonly ctx: Context<ApiServerOptions>;
  private readonly pieces: Pieces;
  private readonly mutations: Mutations;
  private readonly leases: EventLeases;
  private readonly ranges: AddressRanges;
  private readonly conversions: Conversions;
  private readonly convertedWrites: ConvertedWrites;
  /** What requests know of the conversions of what they are about. */
  private readonly known = new WeakMap<ObjectPlace, KnownConversions>();
  /** What is told of requests, by what they are about. */
  private readonly told = new WeakMap<ObjectPlace, Set<string>>();
  private readonly isSigned: IsSigned;
  /** A refusal that rests on a cache that lags is decided again on what a quorum says. */
  private readonly others: Pick<Others, "find" | "all"> = {
    find: (prefix, key) => this.store.cache(prefix).newest(key)?.object,
    all: (prefix) => Array.from(this.store.cache(prefix).values(), ({ object }) => object),
  };

  constructor(
    ctx: Context<ApiServerOptions>,
    store: Store,
    follower: { readonly current: Catalog },
    conversions: Conversions,
    isSigned: IsSigned,
    pieces: Pieces,
  ) {
    this.ctx = ctx;
    this.conversions = conversions;
    this.isSigned = isSigned;
    this.store = store;
    this.follower = follower;
    this.pieces = pieces;
    this.lifecycle = new LifecycleAdmission(ctx, store);
    this.quotas = new QuotaAdmission(store, follower);
    this.mutations = new Mutations(ctx, store, pieces);
    this.convertedWrites = new ConvertedWrites(this.mutations, conversions);
    this.leases = new EventLeases(ctx, store);
    this.ranges = {
      ...ipRange(ctx.options.serviceCidr),
      firstNodePort: ctx.options.nodePortFirst,
      lastNodePort: ctx.options.nodePortLast,
    };
  }

  /** What is served at this moment. */
  get catalog(): Catalog {
    return this.follower.current;
  }

  nowMs(): number {
    return this.ctx.clock.nowMs();
  }

  /** @param resourceVersion absent: the newest; "0": what the cache has; else not older than this */
  async get(scope: RequestScope, place: ObjectPlace, resourceVersion?: string): Promise<StoredObject> {
    await reach(this.store, this.ctx.clock, scope.deadlineMs, resourceVersion);
    const stored = this.store.cacheOf(place.served).get(keyOf(place));
    if (stored === undefined) throw notFound(place.served.info, place.name);
    return this.conversions.one(place.served, stored, scope.caller);
  }

  async create(
    scope: RequestScope,
    served: Served,
    namespace: string | undefined,
    incoming: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const { info } = served;
    const metadata = incoming.metadata ?? {};
    checkNamespace(served, namespace, metadata.namespace);
    checkTypeMeta(served, incoming);
    const prefix = metadata.generateName;
    const unnamed = { served, namespace, name: metadata.name ?? "" };
    await this.lifecycle.admit(scope.deadlineMs, unnamed, incoming);
    if (!metadata.name && !prefix && served.rules.namesItself === true) {
      return this.createNamed(scope, { ...unnamed, name: this.ctx.ids.uuid() }, incoming, options);
    }
    if (!metadata.name && !prefix) {
      const manage = this.managing(unnamed, undefined, options);
      // Whatever else is wrong with it is told besides.
      const work = this.creation(scope, unnamed, incoming, "", { has: () => false }, undefined, manage);
      await this.pieces.run(work, scope.workDeadlineMs ?? scope.deadlineMs, scope.caller);
      const message = "Required value: name or generateName is required";
      throw invalid(info, "", [{ reason: "FieldValueRequired", message, field: "metadata.name" }]);
    }
    for (let tries = 1; ; tries++) {
      const name = metadata.name || `${prefix}${this.ctx.ids.suffix(5)}`;
      try {
        return await this.createNamed(scope, { served, namespace, name }, incoming, options);
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
    const { served, name } = place;
    const { info } = served;
    const { metadata = {} } = incoming;
    checkIdentity(place, incoming);
    const create = info.createOnUpdate && subresource === undefined;
    if (create) await this.lifecycle.admit(scope.deadlineMs, place, incoming);
    const uid = this.ctx.ids.uuid();
    let old: KubernetesObject | undefined;
    const mutated = await this.mutateLeased(scope, place, options.dryRun === true, (current, taken, lease) => {
      old = current?.object;
      if (current === undefined) {
        if (!create || metadata.resourceVersion) throw notFound(info, name);
        return this.creation(scope, place, incoming, uid, taken, lease, this.managing(place, undefined, options));
      }
      this.checkIncoming(place, incoming, current);
      const manage = this.managing(place, subresource, options, current);
      return this.replacement(place, subresource, incoming, current, taken, lease, manage);
    });
    const code = mutated.created ? 201 : 200;
    if (!tells(served, subresource)) return answerOf(served, mutated.stored, code);
    return writtenAnswer(served, mutated.stored, code, { old, subresource });
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
    const { served, name } = place;
    const { info } = served;
    let old: KubernetesObject | undefined;
    const mutated = await this.mutateLeased(scope, place, options.dryRun === true, (current, taken, lease) => {
      if (current === undefined) throw notFound(info, name);
      old = current.object;
      return this.patching({ place, subresource, patchType, patch, options }, current, taken, lease);
    });
    if (!tells(served, subresource)) return answerOf(served, mutated.stored, 200);
    return writtenAnswer(served, mutated.stored, 200, { old, subresource });
  }

  private *patching(
    { place, subresource, patchType, patch, options }: Patching,
    current: StoredObject,
    taken: Taken,
    lease: string | undefined,
  ): Steps<Outcome> {
    const { served } = place;
    yield;
    const whole = toServed(served, current.object);
    const shown = speaksOfManagedFields(patch) ? whole : withManagedFields(whole as Fields, undefined);
    const patched = yield* patchObject(patchType, served.form, shown, patch, options.fieldValidation ?? "Warn");
    const { object, warnings } = ownedOnce(patched.object, true);
    this.tell(place, [...patched.warnings, ...warnings]);
    checkName(place, object.metadata?.name);
    this.checkRevision(place, object, current);
    const manage = this.managing(place, subresource, options, current);
    yield;
    return yield* this.replacement(place, subresource, object, current, taken, lease, manage);
  }

  async delete(scope: RequestScope, place: ObjectPlace, options: DeleteOptions = {}): Promise<Answer> {
    const { served, name } = place;
    const { info } = served;
    const { rules } = served.stored;
    if (options.ignoreStoreReadErrorWithClusterBreakingPotential === true) throw readable(place);
    if (rules.immortal?.has(name) === true) throw forbidden(info, name, `this ${info.singular} may not be deleted`);
    // As in Kubernetes, what can't be read can't be deleted either.
    const present = served.conversion === undefined ? undefined : this.store.cacheOf(served).newest(keyOf(place));
    if (present !== undefined) await this.conversions.one(served, present, scope.caller);
    const mutated = await this.mutate(scope, place, options.dryRun === true, (current) => {
      if (current === undefined) throw notFound(info, name);
      const failed = failedPrecondition(served.stored, current.object as Fields, options.preconditions);
      if (failed !== undefined) throw conflict(failed.of, name, failed.why);
      const deletion = decideDeletion(rules, current.object as Fields, options, this.ctx.clock.nowMs());
      if (deletion.action === "update") return { action: "put", object: deletion.object };
      if (deletion.action === "pending") return { action: "keep" };
      return { ...deletion, release: releasedBy(rules, current.object as Fields) };
    });
    if (mutated.action !== "remove" || rules.returnsDeletedObject) return answerOf(served, mutated.stored, 200);
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
    served: Served,
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
          await this.delete({ ...scope, deadlineMs }, { served, namespace, name }, options);
        } catch (error) {
          if (hasReason(error, "NotFound")) continue;
          failed = true;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(limits.deleteWorkers, found.length) }, worker));
  }

  private async createNamed(
    scope: RequestScope,
    place: ObjectPlace,
    incoming: KubernetesObject,
    options: WriteOptions,
  ): Promise<Answer> {
    const uid = this.ctx.ids.uuid();
    const versioned = isVersioned(incoming) && options.dryRun !== true;
    const turn = this.quotas.isLimited(place.served, place.namespace) ? `quotas of ${place.namespace}` : undefined;
    const decide = (current: StoredObject | undefined, taken: Taken, lease: string | undefined): Stepped<Outcome> => {
      const made = (): Steps<Outcome> =>
        this.creation(scope, place, incoming, uid, taken, lease, this.managing(place, undefined, options));
      const unversioned = "resourceVersion should not be set on objects to be created";
      if (versioned) return refusedAfter(made(), unexplained(unversioned));
      if (current !== undefined) {
        // Our own object: an attempt whose answer was lost has made it.
        if (current.object.metadata?.uid === uid) return { action: "keep" };
        const deleting = current.object.metadata?.deletionTimestamp !== undefined;
        return refusedAfter(made(), alreadyExists(place.served.info, place.name, deleting));
      }
      return made();
    };
    const mutated = await this.mutateLeased(scope, place, options.dryRun === true, decide, turn);
    return writtenAnswer(place.served, mutated.stored, 201, {});
  }

  *creation(
    { deadlineMs: _deadline, workDeadlineMs: _work, cause: _cause, caller: _caller, ...by }: RequestScope,
    place: ObjectPlace,
    incoming: KubernetesObject,
    uid: string,
    taken: Taken,
    lease: string | undefined,
    manage: Manage,
  ): Steps<Outcome> {
    const { served, namespace, name } = place;
    const { options, clock } = this.ctx;
    const { tolerationSeconds, serviceAccounts } = options;
    const creation = {
      nowMs: clock.nowMs(),
      tolerationSeconds,
      serviceAccounts: serviceAccounts.admission,
      suffix: (length: number) => this.ctx.ids.suffix(length),
      ...this.others,
      by,
      isSigned: this.isSigned,
      uid,
      name,
      namespace,
    };
    const object = yield* prepareCreate(served, incoming, creation, manage);
    const outcome = this.withClaims(served, object, undefined, taken, lease);
    return this.charged(served, undefined, outcome, undefined);
  }

  /** What an update makes of the object that is there. */
  *replacement(
    place: ObjectPlace,
    subresource: string | undefined,
    incoming: KubernetesObject,
    current: StoredObject,
    taken: Taken,
    lease: string | undefined,
    manage: Manage,
  ): Steps<Outcome> {
    const { served } = place;
    const { rules } = served.stored;
    const nowMs = this.ctx.clock.nowMs();
    const others = { ...this.others, nowMs, warn: (warnings: readonly string[]) => this.tell(place, warnings) };
    const object = yield* prepareUpdate(served, incoming, current.object, subresource, manage, others);
    if (isReleased(rules, object))
      return { action: "remove", object, release: releasedBy(rules, current.object as Fields) };
    const outcome = this.withClaims(served, object, current.object as Fields, taken, lease);
    yield;
    const mayBeSame = outcome.action === "put" && current.isCurrent && !current.isForm;
    const same = mayBeSame && sameStored(current.object, outcome.object);
    return same ? { action: "keep" } : this.charged(served, subresource, outcome, current.object);
  }

  /** With what it takes of quotas, at the same moment. */
  private charged(
    served: Served,
    subresource: string | undefined,
    outcome: Outcome,
    old: KubernetesObject | undefined,
  ): Outcome {
    if (outcome.action !== "put") return outcome;
    const also = this.quotas.charges(served.stored, subresource, outcome.object, old, this.nowMs());
    return also.length === 0 ? outcome : { ...outcome, also };
  }

  /** Who writes, by which version and subresource. */
  writeOf(place: ObjectPlace, subresource: string | undefined, { fieldManager = "" }: WriteOptions): FieldWrite {
    const nowMs = this.ctx.clock.nowMs();
    return fieldWriteOf(this.catalog, place.served, subresource, fieldManager, nowMs, this.knownOf(place));
  }

  /** Notes what whoever asks is to be told, whatever becomes of the request. */
  tell(place: ObjectPlace, warnings: readonly string[]): void {
    if (warnings.length === 0) return;
    const told = this.told.get(place) ?? new Set();
    for (const warning of warnings) told.add(warning);
    this.told.set(place, told);
  }

  toldOf(place: ObjectPlace): readonly string[] {
    return [...(this.told.get(place) ?? [])];
  }

  private knownOf(place: ObjectPlace): KnownConversions {
    let known = this.known.get(place);
    if (known === undefined) this.known.set(place, (known = new KnownConversions()));
    return known;
  }

  /** What becomes of managedFields when somebody writes the object without applying. */
  managing(place: ObjectPlace, subresource: string | undefined, options: WriteOptions, current?: StoredObject): Manage {
    const write = this.writeOf(place, subresource, options);
    return (object, given) => managedAfterUpdate(write, current?.object, object, given);
  }

  private withClaims(
    { info, stored: { rules } }: Served,
    object: Fields,
    old: Fields | undefined,
    taken: Taken,
    lease: string | undefined,
  ): Outcome {
    const leased = lease === undefined ? {} : { lease };
    if (rules.claims === undefined) return { action: "put", object, ...leased };
    const { claims } = this.store;
    const allocation = rules.claims.allocate(object, old, this.ranges, {
      has: (claim) => claims.has(claim) || taken.has(claim),
      below: (bound) => this.ctx.random.below(bound),
    });
    if (!("claim" in allocation)) throw invalid(info, object.metadata?.name ?? "", allocation);
    return { action: "put", object: allocation.object, claim: allocation.claim, release: allocation.release };
  }

  /** @throws Status 409 when it is another object, or another revision of it, that was meant */
  checkIncoming(place: ObjectPlace, incoming: KubernetesObject, current: StoredObject): void {
    const { name } = place;
    const { info } = place.served;
    const { uid } = incoming.metadata ?? {};
    const present = current.object.metadata?.uid;
    if (uid !== undefined && uid !== present) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present}`;
      const key = `${info.storagePrefix}/${current.key}`;
      const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
      throw conflict(info, name, text);
    }
    this.checkRevision(place, incoming, current);
  }

  private checkRevision(
    { served: { info }, name }: ObjectPlace,
    incoming: KubernetesObject,
    current: StoredObject,
  ): void {
    const { resourceVersion } = incoming.metadata ?? {};
    if (!resourceVersion || resourceVersion === "0") {
      if (info.unconditionalUpdate) return;
      const message = "Invalid value: 0: must be specified for an update";
      const causes = [{ reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" }];
      throw invalid({ group: info.group, kind: info.resource }, name, causes);
    }
    if (parseRevision(resourceVersion) !== current.revision) throw conflict(info, name);
  }

  /** As `mutate`, of what may be written with a lease. */
  mutateLeased(
    scope: RequestScope,
    place: ObjectPlace,
    dryRun: boolean,
    decide: (current: StoredObject | undefined, taken: Taken, lease: string | undefined) => Stepped<Outcome>,
    turn?: string,
  ): Promise<Mutated> {
    return this.leases.write(place.served, scope.deadlineMs, (lease) =>
      this.mutate(scope, place, dryRun, (current, taken) => decide(current, taken, lease), turn),
    );
  }

  /** @returns false when one of them has changed meanwhile: nothing was written then */
  writeTogether(scope: RequestScope, writes: readonly JointWrite[]): Promise<boolean> {
    return this.mutations.together(writes, scope);
  }

  /** Decides from what is stored, and again if that changes meanwhile. */
  mutate(
    scope: RequestScope,
    place: ObjectPlace,
    dryRun: boolean,
    decide: (current: StoredObject | undefined, taken: Taken) => Stepped<Outcome>,
    turn?: string,
  ): Promise<Mutated> {
    const { deadlineMs, workDeadlineMs = deadlineMs, caller, cause, user } = scope;
    const { served } = place;
    const until = { deadlineMs, workDeadlineMs, caller };
    const rests = this.lifecycle.restsOf(place);
    const write = {
      cache: this.store.cacheOf(served),
      key: keyOf(place),
      ...until,
      cause,
      user,
      dryRun,
      decide,
      rests,
      turn,
    };
    if (served.conversion === undefined) return this.mutations.run(write);
    return this.convertedWrites.run(write, served, this.knownOf(place), caller);
  }
}

/** Whether what is written has a say in what is done, and so may be warned about. */
export function tells({ rules }: Served, subresource: string | undefined): boolean {
  return subresource === undefined || rules.subresources?.[subresource] !== undefined;
}

/** Only an object that is valid gets as far as the store, which then refuses it. */
function* refusedAfter(creation: Steps<Outcome>, refusal: InkubeError): Steps<Outcome> {
  yield* creation;
  throw refusal;
}

function isVersioned(object: KubernetesObject): boolean {
  return /^0*[1-9]\d*$/.test(object.metadata?.resourceVersion ?? "");
}

function releasedBy({ claims }: KindRules, object: Fields): readonly string[] {
  return claims?.of(object) ?? [];
}
