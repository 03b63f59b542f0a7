/** PriorityClasses. Source: Kubernetes `pkg/apis/scheduling`, admission plugin Priority. */
import type { PriorityClass } from "../../../../../protocols/kubernetes/types/scheduling-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { setDefault } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import type { KindRules } from "../rules.ts";

/** What is above it belongs to the system. */
const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_PREFIX = "system-";
/** Their values by name. */
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ["system-cluster-critical", 2_000_000_000],
  ["system-node-critical", 2_000_001_000],
]);

export const priorityClassRules: KindRules = {
  immortal: new Set(SYSTEM_CLASSES.keys()),
  defaults: (object) => setDefault(object, "preemptionPolicy", "PreemptLowerPriority"),
  // It does not count what has changed.
  prepareCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
  validate,
  validateUpdate: (object: PriorityClass, old: PriorityClass, errors) => {
    if (object.value !== old.value) errors.forbidden("value", "may not be changed in an update.");
    immutable("preemptionPolicy", object.preemptionPolicy, old.preemptionPolicy, errors);
  },
  cells: (object: PriorityClass, nowMs) => [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    ageOf(object, nowMs),
    object.preemptionPolicy ?? "",
  ],
};

function validate(object: PriorityClass, errors: FieldErrors): void {
  const { value = 0, globalDefault, preemptionPolicy } = object;
  const name = nameOf(object);
  if (name.startsWith(SYSTEM_PREFIX)) {
    const why = wrongSystemClass(name, value, globalDefault === true);
    if (why !== undefined) {
      const detail = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${why}`;
      errors.forbidden("metadata.name", detail);
    }
  } else if (value > USER_PRIORITY_MAX) {
    errors.forbidden("value", `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`);
  }
  if (preemptionPolicy === ("" as string)) errors.required("preemptionPolicy");
  else errors.oneOf("preemptionPolicy", preemptionPolicy, ["PreemptLowerPriority", "Never"]);
}

function wrongSystemClass(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = SYSTEM_CLASSES.get(name);
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
