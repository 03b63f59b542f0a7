/** LimitRanges. Source: Kubernetes `ValidateLimitRange`, `SetDefaults_LimitRangeItem`. */
import type { LimitRange, LimitRangeItem } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities, quantityMilli, quantityValue } from "../../../../../protocols/kubernetes/quantity.ts";
import { nameOf } from "../../machinery/cells.ts";
import { member, objectIn, objectsIn, roundAmounts, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import {
  isOvercommittable,
  validateContainerResourceName,
  validateResourceName,
} from "../../machinery/validation/resources.ts";
import type { KindRules } from "../rules.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

export const limitRangeRules: KindRules = {
  namesItself: true,
  defaults: (object) => {
    for (const item of objectsIn(member(object, "spec")["limits"])) defaultItem(item);
  },
  validate: ({ spec }: LimitRange, errors) => {
    const limits = spec?.limits ?? [];
    const repeated = repeatedAt(limits.map((each) => each.type));
    for (const [i, item] of limits.entries()) {
      const at = `spec.limits[${i}]`;
      validateType(`${at}.type`, item.type, errors);
      if (repeated.has(i)) errors.duplicate(`${at}.type`, item.type);
      validateItem(at, item, errors);
    }
  },
  cells: (object: LimitRange) => [nameOf(object), object.metadata?.creationTimestamp ?? ""],
};

const LISTS = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

/** Of containers: what nobody says is the most that there can be, and what nobody asks for is its limit. */
function defaultItem(item: JsonObject): void {
  if (item["type"] === "Container") {
    const [limits, requests] = [member(item, "default"), member(item, "defaultRequest")];
    for (const [name, value] of Object.entries(objectIn(item, "max") ?? {})) setDefault(limits, name, value);
    for (const [name, value] of Object.entries(limits)) setDefault(requests, name, value);
    for (const [name, value] of Object.entries(objectIn(item, "min") ?? {})) setDefault(requests, name, value);
    for (const list of ["default", "defaultRequest"]) {
      if (Object.keys(objectIn(item, list) ?? {}).length === 0) delete item[list];
    }
  }
  for (const list of LISTS) roundAmounts(objectIn(item, list));
}

function validateType(field: string, type: string, errors: FieldErrors): void {
  const problems = qualifiedName(type);
  errors.all(field, type, problems);
  if (problems.length > 0 || type.includes("/") || ["Pod", "Container", "PersistentVolumeClaim"].includes(type)) return;
  errors.invalid(field, type, "must be a standard limit type or fully qualified");
}

function validateItem(at: string, item: LimitRangeItem, errors: FieldErrors): void {
  const ofPod = item.type === "Pod";
  const checkName = ofPod || item.type === "Container" ? validateContainerResourceName : validateResourceName;
  const names = new Set<string>();
  for (const list of LISTS) {
    const amounts = item[list] ?? {};
    if (ofPod && (list === "default" || list === "defaultRequest")) {
      if (Object.keys(amounts).length === 0) continue;
      errors.forbidden(`${at}.${list}`, "may not be specified when `type` is 'Pod'");
      continue;
    }
    for (const name of Object.keys(amounts)) {
      checkName(`${at}.${list}[${name}]`, name, errors);
      names.add(name);
    }
  }
  const bounded = item.min?.["storage"] !== undefined || item.max?.["storage"] !== undefined;
  if (item.type === "PersistentVolumeClaim" && !bounded) {
    const detail = "either minimum or maximum storage value is required, but neither was provided";
    errors.required(`${at}.limits`, detail);
  }
  const of = ofPod ? { ...item, default: {}, defaultRequest: {} } : item;
  for (const name of names) validateBounds(at, name, of, errors);
}

/** One must not be more than the other: the list at fault, the lists that are compared, and how messages call them. */
const ORDERED = [
  ["min", "min", "max", "min", "max", "min"],
  ["defaultRequest", "min", "defaultRequest", "min", "default request", "defaultRequest"],
  ["defaultRequest", "defaultRequest", "max", "default request", "max", "defaultRequest"],
  ["defaultRequest", "defaultRequest", "default", "default request", "default limit", "defaultRequest"],
  ["default", "min", "default", "min", "default", "min"],
  ["default", "default", "max", "default", "max", "max"],
] as const;

function validateBounds(at: string, name: string, item: LimitRangeItem, errors: FieldErrors): void {
  for (const [list, less, more, lessName, moreName, shown] of ORDERED) {
    const [a, b] = [item[less]?.[name], item[more]?.[name]];
    if (a === undefined || b === undefined || compareQuantities(a, b) <= 0) continue;
    const detail = `${lessName} value ${a} is greater than ${moreName} value ${b}`;
    errors.invalid(`${at}.${list}[${name}]`, item[shown]?.[name], detail);
  }
  validateRatio(at, name, item, errors);
  const [limit, request] = [item.default?.[name], item.defaultRequest?.[name]];
  if (isOvercommittable(name) || limit === undefined || request === undefined) return;
  if (compareQuantities(limit, request) === 0) return;
  const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
  errors.invalid(`${at}.defaultRequest[${name}]`, request, detail);
}

/** From here on, thousandths don't fit into 64 bits. Source: `resource.MaxMilliValue`. */
const MILLI_MAX = Number(9_223_372_036_854_775n);

function validateRatio(
  at: string,
  name: string,
  { min, max, maxLimitRequestRatio }: LimitRangeItem,
  errors: FieldErrors,
): void {
  const ratio = maxLimitRequestRatio?.[name];
  if (ratio === undefined) return;
  const field = `${at}.maxLimitRequestRatio[${name}]`;
  if (compareQuantities(ratio, "1") < 0) errors.invalid(field, ratio, `ratio ${ratio} is less than 1`);
  const [least, most]: readonly [string | undefined, string | undefined] = [min?.[name], max?.[name]];
  if (least === undefined || most === undefined) return;
  const fine = [ratio, least, most].every((amount) => quantityValue(amount) < MILLI_MAX);
  const valueOf = (amount: string): number => (fine ? quantityMilli(amount) / 1000 : quantityValue(amount));
  const limit = valueOf(most) / valueOf(least);
  if (valueOf(ratio) <= limit) return;
  errors.invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`);
}
