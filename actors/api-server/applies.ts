/** Server-side apply: a configuration makes an object, or its part of one. */
import type { KubernetesObject, WriteOptions } from "../../protocols/api-server.ts";
import type { Context } from "../../runtime/actor.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Fields } from "./core/kinds/rules.ts";
import type { JsonBody } from "./core/machinery/json.ts";
import { conflict, notFound } from "./core/machinery/status.ts";
import { duplicateWarnings, readConfiguration } from "./core/managed-fields/configuration.ts";
import { equalJson } from "./core/machinery/json-value.ts";
import type { Applied } from "./core/managed-fields/field-manager.ts";
import { applyConfiguration } from "./core/managed-fields/field-manager.ts";
import type { Answer } from "./core/registry/answers.ts";
import { answerOf, writtenAnswer } from "./core/registry/answers.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Steps } from "./core/steps.ts";
import type { Outcome, Taken } from "./mutation.ts";
import type { Registry, RequestScope } from "./registry.ts";
import { checkIdentity } from "./core/registry/place.ts";
import { tells } from "./registry.ts";
import { parseRevision } from "./revisions.ts";

export class Applies {
  private readonly ctx: Pick<Context<unknown>, "ids">;
  private readonly registry: Registry;

  constructor(ctx: Pick<Context<unknown>, "ids">, registry: Registry) {
    this.ctx = ctx;
    this.registry = registry;
  }

  /** @throws Status 404 for a subresource of an object that is not there; as `applyConfiguration`, and as a create or update */
  async apply(
    scope: RequestScope,
    place: ObjectPlace,
    subresource: string | undefined,
    body: JsonBody,
    options: WriteOptions,
  ): Promise<Answer> {
    const { registry } = this;
    const { served, name } = place;
    // Of a part of an object that is not there, nothing is read.
    let read = subresource === undefined ? readConfiguration(served.form, body) : undefined;
    const warnings = duplicateWarnings(body, options.fieldValidation ?? "Warn");
    const uid = this.ctx.ids.uuid();
    if (read !== undefined) await registry.lifecycle.admitAbsent(scope.deadlineMs, place, read);
    let old: KubernetesObject | undefined;
    const decide = function* (
      current: StoredObject | undefined,
      taken: Taken,
      lease: string | undefined,
    ): Steps<Outcome> {
      if (current === undefined && subresource !== undefined) throw notFound(served.info, name);
      old = current?.object;
      const configuration = (read ??= readConfiguration(served.form, body));
      const write = registry.writeOf(place, subresource, options);
      const applied = yield* applyConfiguration(write, old, configuration, options.force === true);
      const { object } = served.form.decode({ value: applied.object, duplicates: [] }, "Ignore");
      yield;
      checkMeant(place, configuration, current);
      checkIdentity(place, object);
      // Defaults that an object has lost on its way through another version are not what was applied.
      if (served.conversion !== undefined && old !== undefined && changesNothing(applied, old)) {
        return { action: "put", object: old as Fields };
      }
      const manage = (): typeof applied.managedFields => applied.managedFields;
      if (current !== undefined) {
        return yield* registry.replacement(place, subresource, object, current, taken, lease, manage);
      }
      registry.lifecycle.refuse(place);
      return yield* registry.creation(scope, place, object, uid, taken, lease, manage);
    };
    const mutated = await registry.mutateLeased(scope, place, options.dryRun === true, decide);
    const code = mutated.created ? 201 : 200;
    if (!tells(served, subresource)) return answerOf(served, mutated.stored, code, warnings);
    return writtenAnswer(served, mutated.stored, code, { old, warnings, subresource });
  }
}

function changesNothing({ isSame, managedFields }: Applied, old: KubernetesObject): boolean {
  return isSame && equalJson(managedFields, old.metadata?.managedFields);
}

/** @throws Status 409 when it is another object, or another revision of it, that was meant */
function checkMeant(
  { served: { info }, name }: ObjectPlace,
  configuration: KubernetesObject,
  current: StoredObject | undefined,
): void {
  const { uid, resourceVersion } = configuration.metadata ?? {};
  if (current === undefined) {
    if (!uid) return;
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(info, name, why);
  }
  if (resourceVersion && resourceVersion !== "0" && parseRevision(resourceVersion) !== current.revision) {
    throw conflict(info, name);
  }
}
