/** IPAddresses: named as the address is. Source: Kubernetes `pkg/apis/networking`. */
import type { IPAddress } from "../../../../../protocols/kubernetes/types/networking-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { canonicalIp } from "../../machinery/validation/ip.ts";
import { dns1123Subdomain, pathSegment } from "../../machinery/validation/names.ts";
import { validateSegment } from "../../machinery/validation/references.ts";
import type { KindRules } from "../rules.ts";

export const ipAddressRules: KindRules = {
  name: canonicalIp,
  validate,
  validateUpdate: (object: IPAddress, old: IPAddress, errors) => {
    if (equalJson(object.spec?.parentRef ?? null, old.spec?.parentRef ?? null)) return;
    // What it has become is not shown.
    errors.invalid("spec.parentRef", null, "field is immutable");
  },
  cells,
};

function validate({ spec }: IPAddress, errors: FieldErrors): void {
  const at = "spec.parentRef";
  if (!spec?.parentRef) return errors.required(at);
  const { group, resource, namespace, name } = spec.parentRef;
  if (group) errors.all(`${at}.group`, group, dns1123Subdomain(group));
  validateSegment(`${at}.resource`, resource, errors);
  validateSegment(`${at}.name`, name, errors);
  if (namespace) errors.all(`${at}.namespace`, namespace, pathSegment(namespace));
}

function cells(object: IPAddress, nowMs: number): readonly Cell[] {
  const { group, resource, namespace, name } = object.spec?.parentRef ?? { resource: "", name: "" };
  const kind = `${resource}${group ? `.${group}` : ""}`.toLowerCase();
  const parent = `${kind}${namespace ? `/${namespace}` : ""}/${name}`;
  return [nameOf(object), object.spec?.parentRef ? parent : "<none>", ageOf(object, nowMs)];
}
