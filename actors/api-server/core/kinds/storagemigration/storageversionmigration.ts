/** StorageVersionMigrations. Source: Kubernetes `pkg/apis/storagemigration`, `pkg/registry/storagemigration`. */
import type { StorageVersionMigration } from "../../../../../protocols/kubernetes/types/storagemigration-v1.ts";
import { nameOf } from "../../machinery/cells.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { validateConditions } from "../../machinery/validation/conditions.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1035Label, dns1123Subdomain } from "../../machinery/validation/names.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";

type Migration = StorageVersionMigration;

export const storageVersionMigrationRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  statusKeepsMetadata: true,
  validate,
  validateUpdate: (object: Migration, old: Migration, errors) => {
    validate(object, errors);
    if (!equalJson(object.spec, old.spec)) errors.invalid("spec", object.spec, "field is immutable");
  },
  validateStatusUpdate: validateStatus,
  cells: ({ spec, status, ...object }: Migration) => {
    const { group = "", resource = "" } = spec?.resource ?? {};
    const reached = (status?.conditions ?? [])
      .filter((one) => one.status === "True" && STATES.includes(one.type))
      .at(-1);
    return [nameOf(object), group === "" ? resource : `${resource}.${group}`, reached?.type ?? "Unknown"];
  },
};

const STATES = ["Running", "Failed", "Succeeded"];

function validate({ spec }: Migration, errors: FieldErrors): void {
  const { group = "", resource = "" } = spec?.resource ?? {};
  if (resource === "") errors.required("spec.resource.resource", "resource is required to be set");
  else joined("spec.resource.resource", resource, dns1035Label(resource), errors);
  if (group !== "") joined("spec.resource.group", group, dns1123Subdomain(group), errors);
}

function joined(field: string, value: string, problems: readonly string[], errors: FieldErrors): void {
  if (problems.length > 0) errors.invalid(field, value, problems.join(","));
}

function validateStatus(object: Migration, old: Migration, errors: FieldErrors): void {
  const [version, before] = [object.status?.resourceVersion ?? "", old.status?.resourceVersion ?? ""];
  const field = "status.resourceVersion";
  if (version !== "" && !/^[1-9]\d*$/.test(version)) {
    errors.invalid(field, version, `resource version is not well formed: ${version}`);
  }
  const { conditions } = object.status ?? {};
  validateConditions("status.conditions", conditions ?? [], errors);
  if (before !== "" && before !== version) errors.invalid(field, version, "field is immutable");
  const is = ({ status }: Migration, wanted: string): boolean =>
    (status?.conditions ?? []).some((one) => one.type === wanted && one.status === "True");
  if (is(object, "Succeeded") && is(object, "Failed")) {
    const detail = "Both success and failed conditions cannot be true at the same time";
    errors.invalid("status.conditions", conditions, detail);
  }
  for (const [type, name] of [
    ["Succeeded", "Success"],
    ["Failed", "Failed"],
  ] as const) {
    if (!is(old, type) || is(object, type)) continue;
    errors.invalid("status.conditions", conditions, `${name} condition cannot be set to false once it is true`);
  }
}
