/** The patch types of the API as one function, with the answers of kube-apiserver when a patch is bad. */
import type { KubernetesObject, PatchType } from "../../../../../protocols/api-server.ts";
import { statusError, statusOf } from "../../../../../protocols/api-server.ts";
import type { TypeRef } from "../../../../../protocols/kubernetes/schema/schema.ts";
import type { ObjectForm } from "../../catalog/form.ts";
import type { Decoded, FieldValidation } from "../decode-object.ts";
import { checkDepth, checkIntegers } from "../json.ts";
import { goValue } from "../go-text.ts";
import type { Steps } from "../../steps.ts";
import type { JsonObject } from "../json-value.ts";
import { isJsonObject } from "../json-value.ts";
import {
  badRequest,
  failure,
  internalError,
  invalid,
  requestEntityTooLarge,
  unexplained,
  unsupportedMediaType,
} from "../status.ts";
import { JsonPatchError, applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { StrategicMergePatchError, applyStrategicMergePatch } from "./strategic-merge-patch.ts";

/** JSON patches with more operations than this are refused, as by Kubernetes. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;

/** Server-side apply, whose body is YAML, or the JSON that YAML holds. */
export const APPLY_TYPE = "application/apply-patch+yaml";

export const PATCH_TYPES: readonly PatchType[] = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  APPLY_TYPE,
];

/** Of every kind. */
export const MERGED_TYPES: readonly PatchType[] = PATCH_TYPES.filter(
  (type) => type !== "application/strategic-merge-patch+json",
);

/**
 * The text of a patch as a value.
 * @throws Status 400
 */
export function parsePatch(text: string): unknown {
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest("invalid JSON patch");
    throw error;
  }
  checkDepth(patch);
  checkIntegers(text);
  return patch;
}

/**
 * `current` with `patch` applied; neither is changed. The result has not been through `decodeObject` yet.
 * @param form the kind's, whose merge keys the strategic merge patch follows
 * @param patch null changes nothing, but is no merge patch: as kube-apiserver has it
 * @throws Status 400 (malformed patch), 422 (a JSON patch that can't be applied), 500 (a strategic one, as from
 * kube-apiserver), 415 (no such patches of the kind)
 */
export function applyPatch(type: PatchType, form: ObjectForm, current: KubernetesObject, patch: unknown): JsonObject {
  switch (type) {
    case "application/json-patch+json":
      return jsonPatch(current, patch ?? []);
    case "application/merge-patch+json":
      return applyMergePatch(current, objectPatch(patch, "error decoding patch: ")) as JsonObject;
    case "application/strategic-merge-patch+json":
      return strategicMergePatch(form.type, current, objectPatch(patch ?? {}, ""));
    case APPLY_TYPE:
      throw unsupportedMediaType(MERGED_TYPES);
  }
}

/**
 * Applies and decodes: what a PATCH handler needs.
 * @throws as `applyPatch`, and Status 422 when the result is not an object of the kind (or has unknown fields and
 * `fieldValidation` is Strict)
 */
export function* patchObject(
  type: PatchType,
  form: ObjectForm,
  current: KubernetesObject,
  patch: unknown,
  fieldValidation: FieldValidation,
): Steps<Decoded> {
  const patched = applyPatch(type, form, current, patch);
  if (form.type === undefined && patched["apiVersion"] === undefined) {
    throw internalError("Object 'apiVersion' is missing in 'object has no apiVersion field'");
  }
  yield;
  try {
    return form.decode({ value: patched, duplicates: [] }, fieldValidation);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    const strategic = type === "application/strategic-merge-patch+json";
    const shown = strategic ? goValue(patch) : JSON.stringify(patched);
    const why = (status.message ?? "").replace(HANDLED_AS, "");
    const message = `Invalid value: ${JSON.stringify(shown)}: ${why}`;
    throw invalid({ group: "", kind: "" }, "", [{ reason: "FieldValueInvalid", message, field: "patch" }]);
  }
}

const HANDLED_AS = /^\S+ in version "[^"]*" cannot be handled as a \S+: /;

function objectPatch(patch: unknown, prefix: string): JsonObject {
  if (isJsonObject(patch)) return patch;
  if (patch === null) throw badRequest("Invalid JSON Patch");
  const kind = Array.isArray(patch) ? "array" : typeof patch === "boolean" ? "bool" : typeof patch;
  throw badRequest(`${prefix}json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
}

/** What kube-apiserver says of every JSON patch that can't be applied. */
const REJECTED = "the server rejected our request due to an error in our request";

function jsonPatch(current: KubernetesObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) {
    const kind = isJsonObject(patch) ? "object" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${kind} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) throw requestEntityTooLarge(JSON_PATCH_OPERATIONS_MAX);
  try {
    const result = applyJsonPatch(current as JsonObject, patch);
    if (isJsonObject(result)) return result;
    throw new JsonPatchError("the result is not an object");
  } catch (error) {
    if (error instanceof JsonPatchError) throw statusError(failure(422, "Invalid", REJECTED, {}));
    throw error;
  }
}

function strategicMergePatch(type: TypeRef | undefined, current: KubernetesObject, patch: JsonObject): JsonObject {
  if (type === undefined) throw unsupportedMediaType(MERGED_TYPES);
  try {
    return applyStrategicMergePatch(current as JsonObject, patch, type);
  } catch (error) {
    if (!(error instanceof StrategicMergePatchError)) throw error;
    throw error.malformed ? badRequest(error.message) : unexplained(error.message);
  }
}
