/** DeviceClasses. Source: Kubernetes `pkg/apis/resource`. */
import type { DeviceClass } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import type { Steps } from "../../steps.ts";
import { Pace } from "../../steps.ts";
import type { KindRules } from "../rules.ts";
import { validateConfiguration } from "./device-configuration.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { inOrder } from "./device-errors.ts";
import { validateSelectors } from "./device-selectors.ts";

const CONFIGURATIONS_MAX = 32;

export const deviceClassRules: KindRules = {
  returnsDeletedObject: true,
  validate: (object: DeviceClass, errors) => inOrder(errors, (found) => validate(object, undefined, found)),
  validateUpdate: (object: DeviceClass, old: DeviceClass, errors) =>
    inOrder(errors, (found) => validate(object, old, found)),
};

function* validate({ spec = {} }: DeviceClass, old: DeviceClass | undefined, errors: DeviceErrors): Steps<void> {
  const { selectors = [], config = [], extendedResourceName } = spec;
  const same = (field: "config" | "selectors"): boolean =>
    old !== undefined && equalJson(spec[field] ?? [], old.spec?.[field] ?? []);
  yield* validateSelectors("spec.selectors", selectors, same("selectors"), new Pace(), errors);
  if (config.length > CONFIGURATIONS_MAX) {
    errors.declared.tooMany("spec.config", config.length, CONFIGURATIONS_MAX);
  } else {
    for (const [i, one] of config.entries()) validateConfiguration(`spec.config[${i}]`, one, same("config"), errors);
  }
  if (extendedResourceName !== undefined) validateExtendedName(extendedResourceName, errors.declared);
}

/** Source: apimachinery `api/validate/strfmt.go`. */
function validateExtendedName(name: string, errors: FieldErrors): void {
  const field = "spec.extendedResourceName";
  if (!name.includes("/")) {
    errors.invalid(field, name, "a name must be a domain-prefixed path, such as 'example.com/my-prop'");
  } else if (name.includes("kubernetes.io/")) errors.invalid(field, name, 'must not have "kubernetes.io/" domain');
  if (name.startsWith("requests.")) errors.invalid(field, name, 'must not have "requests." prefix');
  errors.all(field, name, qualifiedName(`requests.${name}`));
}
