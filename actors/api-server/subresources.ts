/** Subresources that show or change their object in a form of its own: `scale`, `binding`, `eviction`, `finalize`. */
import type { KubernetesObject, PatchType, WriteOptions } from "../../protocols/api-server.ts";
import type { Binding, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { PodDisruptionBudget } from "../../protocols/kubernetes/types/policy-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import { withSpecFinalizers } from "./core/kinds/core/namespace.ts";
import { bindPod, evictedPod } from "./core/kinds/core/pod.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { SCALE_FORM } from "./core/catalog/form.ts";
import type { JsonBody } from "./core/machinery/json.ts";
import { patchObject } from "./core/machinery/patch/apply-patch.ts";
import {
  badRequest,
  conflict,
  internalError,
  invalid,
  notFound,
  success,
  unexplained,
} from "./core/machinery/status.ts";
import { duplicateWarnings, readConfiguration } from "./core/managed-fields/configuration.ts";
import type { FieldWrite } from "./core/managed-fields/field-manager.ts";
import { applyConfiguration, managedAfterUpdate } from "./core/managed-fields/field-manager.ts";
import { fromScaleEntries, toScaleEntries } from "./core/managed-fields/scale.ts";
import type { Answer, Eviction } from "./core/registry/answers.ts";
import { answerOf, plainAnswer, withWarnings } from "./core/registry/answers.ts";
import { budgetOf, isBeyondBudgets, isSpared, spent } from "./core/registry/eviction.ts";
import { failedPrecondition, isReleased } from "./core/registry/deletion.ts";
import { withManagedFields, writeOfForm } from "./core/registry/field-writes.ts";
import { warningsOf } from "./core/machinery/warnings.ts";
import { asksReplicas, replicasOf, toScale, validateScale, withReplicas } from "./core/registry/scale.ts";
import { checkDeleteOptions } from "./core/rest/options.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import { finished } from "./core/steps.ts";
import type { Registry, RequestScope } from "./registry.ts";
import { checkIdentity, checkNamespace } from "./core/registry/place.ts";
import { parseRevision } from "./revisions.ts";

export class Subresources {
  private readonly ctx: Pick<Context<unknown>, "clock">;
  private readonly registry: Registry;

  constructor(ctx: Pick<Context<unknown>, "clock">, registry: Registry) {
    this.ctx = ctx;
    this.registry = registry;
  }

  async getScale(scope: RequestScope, place: ObjectPlace): Promise<Answer> {
    const { scale } = place.served.rules;
    const { object } = await this.registry.get(scope, place);
    if (scale !== undefined && !asksReplicas(object, scale)) {
      throw internalError(`the spec replicas field ".${scale.specReplicas.join(".")}" does not exist`);
    }
    return plainAnswer(toScale(object, scale), 200);
  }

  async updateScale(
    scope: RequestScope,
    place: ObjectPlace,
    scale: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    checkIdentity(place, scale);
    return this.scale(
      scope,
      place,
      updating(() => scale),
      options,
    );
  }

  /** Assigns a pod to a node. */
  async bind(
    scope: RequestScope,
    namespace: string,
    name: string,
    binding: Binding,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const served = this.registry.catalog.required("", "v1", "pods");
    const { info } = served;
    const { metadata = {}, target } = binding;
    if (name === "") throw badRequest("Name parameter required.");
    if ((metadata.name ?? "") !== name) throw badRequest("name in URL does not match name in Binding object");
    checkNamespace(served, namespace, metadata.namespace);
    const node = target.name ?? "";
    if (target.kind !== undefined && target.kind !== "" && target.kind !== "Node") {
      const supported = 'supported values: "Node", "<empty>"';
      throw unexplained(`target.kind: Unsupported value: ${JSON.stringify(target.kind)}: ${supported}`);
    }
    if (node === "") throw unexplained("target.name: Required value");
    const annotations = metadata.annotations;
    await this.registry.mutate(scope, { served, namespace, name }, options.dryRun === true, (current) => {
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

  /** Deletes a pod, where its budget allows it. */
  async evict(
    scope: RequestScope,
    place: ObjectPlace,
    eviction: Eviction,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const { served, namespace, name } = place;
    if (eviction.metadata?.name !== name) throw badRequest("name in URL does not match name in Eviction object");
    checkNamespace(served, namespace, eviction.metadata.namespace);
    const deletion = checkDeleteOptions(eviction.deleteOptions ?? {});
    const dryRun = options.dryRun === true || deletion.dryRun === true;
    const found = await this.registry.get(scope, place);
    const takesNothing = await this.spendBudget(scope, namespace ?? "", found.object as Pod, dryRun);
    const marked = await this.registry.mutate(scope, place, dryRun, (current) => {
      if (current === undefined) throw notFound(served.info, name);
      const pod = current.object as Fields;
      const failed = failedPrecondition(served.stored, pod, deletion.preconditions);
      if (failed !== undefined) throw conflict(failed.of, name, failed.why);
      if (pod.metadata?.deletionTimestamp !== undefined) return { action: "keep" };
      return { action: "put", object: evictedPod(pod, this.ctx.clock.nowMs()) };
    });
    // It was that revision that was meant.
    const { resourceVersion: _asked, ...preconditions } = deletion.preconditions ?? {};
    // One that becomes ready meanwhile would be missed.
    const unready = takesNothing && !dryRun ? { resourceVersion: `${marked.stored.revision}` } : {};
    await this.registry.delete(scope, place, { ...deletion, preconditions: { ...preconditions, ...unready }, dryRun });
    return plainAnswer({ ...success(), code: 201 } as KubernetesObject, 201);
  }

  /** Takes the pod's eviction from its budget. Gives whether it takes nothing because the pod is not ready. */
  private async spendBudget(scope: RequestScope, namespace: string, pod: Pod, dryRun: boolean): Promise<boolean> {
    if (isBeyondBudgets(pod)) return false;
    const served = this.registry.catalog.required("policy", "v1", "poddisruptionbudgets");
    const budgets = [...this.registry.store.cacheOf(served).values()].map(({ object }) => object);
    const budget = budgetOf(
      pod,
      budgets.filter(({ metadata }) => metadata?.namespace === namespace),
    );
    if (budget === undefined) return false;
    if (isSpared(pod, budget)) return true;
    const { name = "" } = budget.metadata ?? {};
    const place = { served, namespace, name };
    await this.registry.mutate(scope, place, dryRun, (current) => {
      if (current === undefined) return { action: "keep" };
      const of = pod.metadata?.name ?? "";
      const left = spent(current.object as PodDisruptionBudget, of, this.ctx.clock.nowMs()) as Fields;
      const manage = this.registry.managing(place, "status", { fieldManager: "kube-apiserver" }, current);
      return { action: "put", object: withManagedFields(left, finished(manage(left, undefined))) };
    });
    return false;
  }

  /** Replaces the finalizers in the spec of a namespace; with the last one the namespace goes. */
  async finalize(
    scope: RequestScope,
    place: ObjectPlace,
    incoming: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<Answer> {
    const { served, name } = place;
    const { info } = served;
    checkIdentity(place, incoming);
    const mutated = await this.registry.mutate(scope, place, options.dryRun === true, (current) => {
      if (current === undefined) throw notFound(info, name);
      this.registry.checkIncoming(place, incoming, current);
      const finalized = withSpecFinalizers(current.object as Fields, incoming as Fields);
      const manage = this.registry.managing(place, "finalize", options, current);
      const object = withManagedFields(finalized, finished(manage(finalized, undefined)));
      return isReleased(served.rules, object) ? { action: "remove", object } : { action: "put", object };
    });
    return answerOf(served, mutated.stored, 200);
  }

  patchScale(
    scope: RequestScope,
    place: ObjectPlace,
    patchType: PatchType,
    patch: unknown,
    options: WriteOptions,
  ): Promise<Answer> {
    const patched = (current: KubernetesObject): KubernetesObject => {
      const { object, warnings } = finished(
        patchObject(patchType, SCALE_FORM, current, patch, options.fieldValidation ?? "Warn"),
      );
      this.registry.tell(place, warnings);
      return object;
    };
    return this.scale(scope, place, updating(patched), options);
  }

  async applyScale(scope: RequestScope, place: ObjectPlace, body: JsonBody, options: WriteOptions): Promise<Answer> {
    const configuration = readConfiguration(SCALE_FORM, body);
    const warnings = duplicateWarnings(body, options.fieldValidation ?? "Warn");
    const answer = await this.scale(
      scope,
      place,
      (write, current) => {
        const applied = finished(applyConfiguration(write, current, configuration, options.force === true));
        return withManagedFields(applied.object as Fields, applied.managedFields);
      },
      options,
    );
    return withWarnings(answer, warnings);
  }

  private async scale(
    scope: RequestScope,
    place: ObjectPlace,
    scaleOf: (write: FieldWrite, current: KubernetesObject) => KubernetesObject,
    options: WriteOptions,
  ): Promise<Answer> {
    const { name } = place;
    const { info } = place.served;
    let old: KubernetesObject | undefined;
    const mutated = await this.registry.mutate(scope, place, options.dryRun === true, (current, taken) => {
      if (current === undefined) throw notFound(info, name);
      old = current.object;
      const write = this.registry.writeOf(place, "scale", options);
      const replicas = place.served.rules.scale?.specReplicas.map((step) => `f:${step}`) ?? REPLICAS;
      const replicasPath = (apiVersion: string): readonly string[] | undefined =>
        write.versionOf(apiVersion) === undefined ? undefined : replicas;
      const entries = current.object.metadata?.managedFields;
      const shown = withManagedFields(
        toScale(current.object, place.served.rules.scale) as Fields,
        toScaleEntries(entries, replicasPath),
      );
      const scale = scaleOf(writeOfForm(write, SCALE_FORM), shown);
      // Those of a custom resource are checked as a part of it.
      const causes = place.served.rules.scale === undefined ? validateScale(scale) : [];
      if (causes.length > 0) throw invalid({ group: "autoscaling", kind: "Scale" }, name, causes);
      const { resourceVersion, managedFields } = scale.metadata ?? {};
      if (resourceVersion && parseRevision(resourceVersion) !== current.revision) throw conflict(info, name);
      const object = withReplicas(current.object as Fields, replicasOf(scale), place.served.rules.scale);
      const manage = (): typeof managedFields =>
        fromScaleEntries(entries, managedFields, info.apiVersion, replicasPath);
      return this.registry.replacement(place, undefined, object, current, taken, undefined, manage);
    });
    const { rules } = place.served;
    const { object } = mutated.stored;
    return withWarnings(plainAnswer(toScale(object, rules.scale), 200), warningsOf(rules, object, old));
  }
}

const REPLICAS: readonly string[] = ["f:spec", "f:replicas"];

/** A scale that is written without being applied. */
function updating(
  next: (current: KubernetesObject) => KubernetesObject,
): (write: FieldWrite, current: KubernetesObject) => KubernetesObject {
  return (write, current) => {
    const scale = next(withManagedFields(current as Fields, undefined));
    return withManagedFields(scale as Fields, finished(managedAfterUpdate(write, current, scale, undefined)));
  };
}
