/** APIServices. Source: `k8s.io/kube-aggregator` `pkg/apis/apiregistration`, `pkg/registry/apiservice`. */
import type { APIService, APIServiceStatus } from "../../../../../protocols/kubernetes/types/apiregistration-v1.ts";
import { LOCAL } from "../../aggregation/availability.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn, setDefault } from "../../machinery/default-values.ts";
import { formatTime } from "../../machinery/time.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1035Label, dns1123Subdomain, pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const apiServiceRules: KindRules = {
  plainFinalizers: true,
  name: pathSegment,
  statusKeepsMetadata: true,
  defaults: (object) => {
    const service = objectIn(objectIn(object, "spec") ?? {}, "service");
    if (service !== undefined) setDefault(service, "port", 443);
  },
  prepareCreate: (object, { nowMs }) => {
    if ((object as APIService).spec?.service !== undefined) return object;
    return {
      ...object,
      status: { conditions: [{ type: "Available", ...LOCAL, lastTransitionTime: formatTime(nowMs) }] },
    };
  },
  validate,
  validateStatusUpdate: (object: APIService, _old: APIService, errors) => validateStatus(object.status, errors),
  cells,
};

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1_000;

function validate(object: APIService, errors: FieldErrors): void {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0 } = object.spec ?? {};
  const name = nameOf(object);
  const wanted = `${version}.${group}`;
  if (name !== "" && pathSegment(name).length === 0 && name !== wanted) {
    errors.invalid("metadata.name", name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`);
  }
  if (group === "" && version !== "v1") {
    errors.required("spec.group", "only v1 may have an empty group and it better be legacy kube");
  }
  if (group !== "") errors.all("spec.group", group, dns1123Subdomain(group));
  errors.all("spec.version", version, dns1035Label(version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > GROUP_PRIORITY_MAX) {
    errors.invalid("spec.groupPriorityMinimum", groupPriorityMinimum, "must be positive and less than 20000");
  }
  if (versionPriority <= 0 || versionPriority > VERSION_PRIORITY_MAX) {
    errors.invalid("spec.versionPriority", versionPriority, "must be positive and less than 1000");
  }
  validateService(object, errors);
}

const PORT_MAX = 65_535;

function validateService({ spec }: APIService, errors: FieldErrors): void {
  const { service, caBundle, insecureSkipTLSVerify: insecure = false } = spec ?? {};
  const bytes = bytesOf(caBundle);
  if (!service) {
    if (bytes > 0) errors.invalid("spec.caBundle", `${bytes} bytes`, "local APIServices may not have a caBundle");
    if (insecure) {
      errors.invalid("spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify");
    }
    return;
  }
  if (!service.namespace) errors.required("spec.service.namespace");
  if (!service.name) errors.required("spec.service.name");
  const port = service.port ?? 0;
  if (port < 1 || port > PORT_MAX) {
    errors.invalid("spec.service.port", port, `port is not valid: must be between 1 and ${PORT_MAX}, inclusive`);
  }
  if (insecure && bytes > 0) {
    errors.invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present");
  }
}

/** How many bytes a base64 text stands for. */
function bytesOf(base64: string | null | undefined): number {
  return Math.floor(((base64 ?? "").replace(/=+$/, "").length * 3) / 4);
}

function validateStatus(status: APIServiceStatus | undefined, errors: FieldErrors): void {
  for (const [i, condition] of (status?.conditions ?? []).entries()) {
    errors.oneOf(`status.conditions[${i}].status`, condition.status, ["True", "False", "Unknown"]);
  }
}

function cells(object: APIService, nowMs: number): readonly Cell[] {
  const { service } = object.spec ?? {};
  const condition = object.status?.conditions?.find(({ type }) => type === "Available");
  const { status = "Unknown", reason = "" } = condition ?? {};
  return [
    nameOf(object),
    service ? `${service.namespace}/${service.name}` : "Local",
    status === "True" || reason === "" ? status : `${status} (${reason})`,
    ageOf(object, nowMs),
  ];
}
