/** What is sent to be applied. Source: apiserver `endpoints/handlers/patch.go`, apimachinery `util/managedfields/internal`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ObjectForm } from "../catalog/form.ts";
import type { FieldValidation } from "../machinery/decode-object.ts";
import type { JsonBody } from "../machinery/json.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import { badRequest, unexplained } from "../machinery/status.ts";
import { checkApplied, joined } from "./applied-check.ts";

/**
 * The configuration in a body.
 * @throws Status 400 for one of another kind or version, or that names managers; 500 for what is not of the kind's form, as
 * from kube-apiserver
 */
export function readConfiguration(form: ObjectForm, { value }: JsonBody): KubernetesObject {
  const given = value ?? {};
  if (!isJsonObject(given)) {
    const type = Array.isArray(given) ? "array" : typeof given === "boolean" ? "bool" : typeof given;
    const why = `json: cannot unmarshal ${type} into Go value of type map[string]interface {}`;
    throw badRequest(`error decoding patch: error unmarshaling JSON: while decoding JSON: ${why}`);
  }
  const { apiVersion, kind } = given;
  const is = typeOf(apiVersion, kind);
  if (apiVersion !== form.apiVersion || kind !== form.kind) throw badRequest(`invalid object type: ${is}`);
  const metadata = isJsonObject(given["metadata"]) ? given["metadata"] : {};
  const { managedFields, namespace, name } = metadata;
  if (managedFields !== undefined && managedFields !== null) throw badRequest("metadata.managedFields must be nil");
  const errors = checkApplied(form.structure, given);
  if (errors.length > 0) {
    const which = `${shown(namespace)}/${shown(name)}; ${is}`;
    throw unexplained(`failed to create typed patch object (${which}): ${joined(errors)}`);
  }
  return given as KubernetesObject;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `apps/v1, Kind=Deployment`; a version of the core group begins with the slash. */
function typeOf(apiVersion: unknown, kind: unknown): string {
  const version = shown(apiVersion);
  return `${version.includes("/") ? version : `/${version}`}, Kind=${shown(kind)}`;
}

/**
 * What is told of keys that occur twice in one object.
 * @throws Status 400 when they are not to be taken
 */
export function duplicateWarnings({ duplicates }: JsonBody, fieldValidation: FieldValidation): readonly string[] {
  if (duplicates.length === 0) return duplicates;
  switch (fieldValidation) {
    case "Ignore":
      return [];
    case "Warn":
      return duplicates;
    case "Strict": {
      const lines = duplicates.map((duplicate) => `\n  ${duplicate}`).join("");
      const why = `error converting YAML to JSON: yaml: unmarshal errors:${lines}`;
      throw badRequest(`error strict decoding patch: ${why}`);
    }
  }
}
