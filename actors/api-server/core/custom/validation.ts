/** What is checked of a custom object before it is stored. Source: apiextensions-apiserver `registry/customresource/validator.go`. */
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Fields, ScalePaths } from "../kinds/rules.ts";
import { getOwn, isJsonObject } from "../machinery/json-value.ts";
import type { Steps } from "../steps.ts";
import { Pace } from "../steps.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { validateEmbedded } from "./embedded.ts";
import { goValue } from "../machinery/go-text.ts";
import { validateLists } from "./lists.ts";
import { validateRules } from "./rule-validation.ts";
import type { Schema } from "./schema.ts";
import { schemaAt } from "./schema.ts";
import { UNCORRELATED, causesOf, validateValue } from "./validate-value.ts";
import { isInteger } from "./value-checks.ts";
import type { VersionSchema } from "./version-schema.ts";

/** What is of another kind or version is refused for that alone. @returns whether it is */
export function checkKind(
  { apiVersion, kind }: Pick<Fields, "apiVersion" | "kind">,
  info: Pick<ResourceInfo, "apiVersion" | "kind">,
  errors: FieldErrors,
): boolean {
  if (kind !== info.kind) errors.invalid("kind", kind, `must be ${info.kind}`);
  if (apiVersion !== info.apiVersion) errors.invalid("apiVersion", apiVersion, `must be ${info.apiVersion}`);
  return kind !== info.kind || apiVersion !== info.apiVersion;
}

/** @param old undefined when the object is new */
export function* validateCustom(
  object: Fields,
  old: Fields | undefined,
  schema: VersionSchema,
  scale: ScalePaths | undefined,
  errors: FieldErrors,
): Steps<void> {
  const pace = new Pace();
  const problems = yield* validateValue(object, old ?? UNCORRELATED, schema.root, schema.patterns, pace);
  errors.causes.push(...causesOf(problems, ""));
  if (scale !== undefined) {
    checkReplicas(object, scale.specReplicas, errors);
    checkScaleStatus(object, scale, errors);
  }
  validateEmbedded(object, schema.root, "", errors);
  checkLists(object, old, schema.root, errors);
  yield* checkRules(object, old, schema, pace, errors);
}

/** Only the status has changed: only it is checked, and the rules of the whole. */
export function* validateCustomStatus(
  object: Fields,
  old: Fields,
  schema: VersionSchema,
  scale: ScalePaths | undefined,
  errors: FieldErrors,
): Steps<void> {
  const pace = new Pace();
  const status = schemaAt(schema.root, "status");
  if (Object.hasOwn(object, "status") && status !== undefined) {
    const before = Object.hasOwn(old, "status") ? old["status"] : UNCORRELATED;
    const problems = yield* validateValue(object["status"], before, status, schema.patterns, pace);
    errors.causes.push(...causesOf(problems, "status"));
  }
  if (scale !== undefined) checkScaleStatus(object, scale, errors);
  checkLists(object, old, schema.root, errors);
  yield* checkRules(object, old, schema, pace, errors);
}

/** Rules are made for values of their schema: others could be of any type and size. */
function* checkRules(
  object: Fields,
  old: Fields | undefined,
  schema: VersionSchema,
  pace: Pace,
  errors: FieldErrors,
): Steps<void> {
  if (!schema.root.has.rules) return;
  if (!errors.causes.some(isBlocking)) {
    yield* validateRules(object, old, schema.root, schema.programsOf, pace, errors);
  } else {
    const detail =
      "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
    errors.invalid("<nil>", null, detail);
  }
}

/** What was wrong already may stay so. */
function checkLists(object: Fields, old: Fields | undefined, schema: Schema, errors: FieldErrors): void {
  const found = new FieldErrors();
  validateLists(object, schema, "", found);
  if (found.causes.length === 0) return;
  const before = new FieldErrors();
  if (old !== undefined) validateLists(old, schema, "", before);
  if (before.causes.length === 0) errors.causes.push(...found.causes);
}

const REPLICAS_MAX = 2 ** 31 - 1;

function checkScaleStatus(object: Fields, { statusReplicas, selector }: ScalePaths, errors: FieldErrors): void {
  checkReplicas(object, statusReplicas, errors);
  if (selector === undefined) return;
  const found = at(object, selector);
  const problem = found.problem ?? (found.value === undefined ? undefined : notA("string", found.value, selector));
  if (problem !== undefined && typeof found.value !== "string") errors.invalid(textOf(selector), "", problem);
}

function checkReplicas(object: Fields, path: readonly string[], errors: FieldErrors): void {
  const { value, problem } = at(object, path);
  const field = textOf(path);
  if (problem !== undefined) errors.invalid(field, 0, problem);
  else if (value === undefined) return;
  else if (!isInteger(value)) errors.invalid(field, 0, notA("int64", value, path));
  else if (value < 0) errors.invalid(field, value, "should be a non-negative integer");
  else if (value > REPLICAS_MAX) errors.invalid(field, value, `should be less than or equal to ${REPLICAS_MAX}`);
}

interface Found {
  readonly value?: unknown;
  readonly problem?: string;
}

/** As apimachinery's `unstructured.NestedFieldNoCopy` finds it. */
function at(object: Fields, path: readonly string[]): Found {
  let value: unknown = object;
  for (const [i, step] of path.entries()) {
    if (value === null) return {};
    if (!isJsonObject(value)) return { problem: notA("map[string]interface{}", value, path.slice(0, i + 1)) };
    if (!Object.hasOwn(value, step)) return {};
    value = getOwn(value, step);
  }
  return { value };
}

function notA(expected: string, value: unknown, path: readonly string[]): string {
  return `${textOf(path)} accessor error: ${goValue(value)} is of the type ${goType(value)}, expected ${expected}`;
}

function textOf(path: readonly string[]): string {
  return `.${path.join(".")}`;
}

function goType(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return isInteger(value) ? "int64" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}

function isBlocking({ reason }: StatusCause): boolean {
  return BLOCKING.has(reason ?? "");
}

const BLOCKING: ReadonlySet<string> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
