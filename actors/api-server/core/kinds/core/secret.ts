/** Secrets. Source: Kubernetes `pkg/apis/core/validation`. */
import type { Secret } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { base64Length, encodeBase64 } from "../../machinery/base64.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { configKey } from "../../machinery/validation/names.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import type { KindRules } from "../rules.ts";
import { DATA_BYTES_MAX, validateImmutable } from "./immutable-data.ts";

export const secretRules: KindRules = {
  defaults,
  validate,
  validateUpdate: (object: Secret, old: Secret, errors) => {
    immutable("type", object.type, old.type, errors);
    validateImmutable(object, old, ["data"], errors);
    validate(object, errors);
  },
  cells: (object: Secret, nowMs) => [
    nameOf(object),
    object.type ?? "",
    Object.keys(object.data ?? {}).length,
    ageOf(object, nowMs),
  ],
};

/** `stringData` is for writing only: it goes into `data`, over what is there. */
function defaults(object: JsonObject): void {
  setDefault(object, "type", "Opaque", "");
  const texts = objectIn(object, "stringData");
  if (texts === undefined) return;
  const data = member(object, "data");
  const encoder = new TextEncoder();
  for (const key of Object.keys(texts)) data[key] = encodeBase64(encoder.encode(String(texts[key])));
  delete object["stringData"];
}

/** Keys that a Secret of a type must hold. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};
const SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name";

function validate(secret: Secret, errors: FieldErrors): void {
  const data = secret.data ?? {};
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.all(`data[${key}]`, key, configKey(key));
    bytes += base64Length(value);
  }
  if (bytes > DATA_BYTES_MAX) errors.tooLong("data", DATA_BYTES_MAX);
  const type = secret.type ?? "";
  for (const key of Object.hasOwn(SECRET_KEYS, type) ? (SECRET_KEYS[type] ?? []) : []) {
    const there = key === "ssh-privatekey" ? Boolean(data[key]) : Object.hasOwn(data, key);
    if (!there) errors.required(`data[${key}]`);
  }
  if (type === "kubernetes.io/service-account-token" && !secret.metadata?.annotations?.[SERVICE_ACCOUNT_NAME]) {
    errors.required(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`);
  }
  for (const key of [".dockercfg", ".dockerconfigjson"]) {
    const needed = Object.hasOwn(SECRET_KEYS, type) && SECRET_KEYS[type]?.includes(key) === true;
    const content = data[key];
    const problem = needed && content !== undefined ? jsonObjectProblem(atob(content)) : undefined;
    if (problem !== undefined) errors.invalid(`data[${key}]`, "<secret contents redacted>", problem);
  }
  const either = Object.hasOwn(data, "username") || Object.hasOwn(data, "password");
  if (type === "kubernetes.io/basic-auth" && !either) {
    errors.required("data[username]");
    errors.required("data[password]");
  }
}

/** Why a text is no JSON object, in the words of Go's decoder; never with the text itself, which is secret. */
function jsonObjectProblem(text: string): string | undefined {
  const start = text.trimStart().charAt(0);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && !Array.isArray(value)) return undefined;
    const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
  } catch (error) {
    if (
      start === "" ||
      /Unexpected end|Unterminated|Expected property name or '}' in JSON at position 1 .*$/.test(String(error))
    )
      return "unexpected end of JSON input";
    if (!/[[{"\-\dtfn]/.test(start)) return `invalid character '${start}' looking for beginning of value`;
    return "invalid character in JSON";
  }
}
