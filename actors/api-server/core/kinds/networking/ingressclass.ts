/** IngressClasses. Source: Kubernetes `pkg/apis/networking`. */
import type {
  IngressClass,
  IngressClassParametersReference,
} from "../../../../../protocols/kubernetes/types/networking-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn, setDefault } from "../../machinery/default-values.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label, dns1123Subdomain } from "../../machinery/validation/names.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { validateDomainPrefixedPath, validateSegment } from "../../machinery/validation/references.ts";
import type { KindRules } from "../rules.ts";

const DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";
const CONTROLLER_BYTES_MAX = 250;

export const ingressClassRules: KindRules = {
  defaults: (object) => {
    const parameters = objectIn(objectIn(object, "spec") ?? {}, "parameters");
    if (parameters !== undefined) setDefault(parameters, "scope", "Cluster");
  },
  validate,
  validateUpdate: (object: IngressClass, old: IngressClass, errors) => {
    immutable("spec.controller", object.spec?.controller ?? "", old.spec?.controller ?? "", errors);
    validate(object, errors);
  },
  cells,
};

function validate({ spec }: IngressClass, errors: FieldErrors): void {
  const controller = spec?.controller ?? "";
  if (controller.length > CONTROLLER_BYTES_MAX) errors.tooLong("spec.controller", CONTROLLER_BYTES_MAX);
  validateDomainPrefixedPath("spec.controller", controller, errors);
  if (spec?.parameters) validateParameters("spec.parameters", spec.parameters, errors);
}

function validateParameters(at: string, parameters: IngressClassParametersReference, errors: FieldErrors): void {
  const { apiGroup, kind, name, scope, namespace } = parameters;
  if (apiGroup !== undefined) errors.all(`${at}.apiGroup`, apiGroup, dns1123Subdomain(apiGroup));
  validateSegment(`${at}.kind`, kind, errors);
  validateSegment(`${at}.name`, name, errors);
  errors.oneOf(`${at}.scope`, scope, ["Cluster", "Namespace"]);
  if (scope === "Namespace") {
    if (namespace === undefined) errors.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'");
    else errors.all(`${at}.namespace`, namespace, dns1123Label(namespace));
  }
  if (scope === "Cluster" && namespace !== undefined) {
    errors.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'");
  }
}

function cells(object: IngressClass, nowMs: number): readonly Cell[] {
  const { controller = "", parameters } = object.spec ?? {};
  const group = parameters?.apiGroup === undefined ? "" : `.${parameters.apiGroup}`;
  return [
    object.metadata?.annotations?.[DEFAULT_ANNOTATION] === "true" ? `${nameOf(object)} (default)` : nameOf(object),
    controller,
    parameters === undefined ? "<none>" : `${parameters.kind}${group}/${parameters.name}`,
    ageOf(object, nowMs),
  ];
}
