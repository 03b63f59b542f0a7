/** ResourceClaimTemplates. Source: Kubernetes `pkg/apis/resource`, `pkg/registry/resource/resourceclaimtemplate`. */
import type {
  ResourceClaimTemplate,
  ResourceClaimTemplateSpec,
} from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { member } from "../../machinery/default-values.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateAnnotations, validateLabels } from "../../machinery/validation/object-meta.ts";
import type { Fields, KindRules } from "../rules.ts";
import { refuseAdmin } from "./admin-access.ts";
import { defaultClaimSpec, validateClaimSpec, withoutDerived } from "./claim-spec.ts";
import { inOrder } from "./device-errors.ts";

type Template = ResourceClaimTemplate;

export const resourceClaimTemplateRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object) => defaultClaimSpec(member(member(object, "spec"), "spec")),
  prepareCreate: (object, admission) => {
    const { spec } = object as Fields & Template;
    refuseAdmin("ResourceClaimTemplate", object, spec?.spec, admission);
    const plain = withoutDerived(spec?.spec);
    return plain === spec?.spec ? object : { ...object, spec: { ...spec, spec: plain } };
  },
  validate: function* (object: Template, errors) {
    validateTemplateMeta(object.spec?.metadata, errors);
    yield* inOrder(errors, (found) => validateClaimSpec("spec.spec.devices", object.spec?.spec, found));
  },
  validateUpdate: (object: Template, old: Template, errors) => {
    if (!equalJson(object.spec, old.spec)) errors.invalid("spec", object.spec, "field is immutable");
  },
};

/** In the order in which Kubernetes' type has them. */
const OTHERS = ["name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"];
const LATER = ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers"];

function validateTemplateMeta(metadata: ResourceClaimTemplateSpec["metadata"], errors: FieldErrors): void {
  validateAnnotations("spec.metadata.annotations", metadata?.annotations, errors);
  validateLabels("spec.metadata.labels", metadata?.labels, errors);
  const given: Readonly<Record<string, unknown>> = { ...metadata };
  for (const field of [...OTHERS, ...LATER, "managedFields"]) {
    if (given[field]) errors.forbidden(`spec.metadata.${field}`, "cannot be set");
  }
}
