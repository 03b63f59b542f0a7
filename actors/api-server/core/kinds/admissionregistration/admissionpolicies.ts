/** Policies of admission, validating and mutating: defaults and columns alone. Source: Kubernetes `pkg/apis/admissionregistration/v1/defaults.go`. */
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "../../../../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";
import { defaultRules } from "./rules-of-hooks.ts";

export const admissionPolicyRules: KindRules = {
  defaults: (object) => {
    const spec = objectIn(object, "spec");
    if (spec === undefined) return;
    setDefault(spec, "failurePolicy", "Fail");
    defaultMatch(objectIn(spec, "matchConstraints"));
  },
};

export const validatingAdmissionPolicyRules: KindRules = {
  ...admissionPolicyRules,
  resetFields: { status: METADATA_AND_SPEC },
  cells: (object: ValidatingAdmissionPolicy, nowMs): readonly Cell[] => {
    const { validations, paramKind } = object.spec ?? {};
    const parameter = paramKind === undefined ? UNSET : `${paramKind.apiVersion ?? ""}/${paramKind.kind ?? ""}`;
    return [nameOf(object), (validations ?? []).length, parameter, ageOf(object, nowMs)];
  },
};

export const admissionPolicyBindingRules: KindRules = {
  defaults: (object) => defaultMatch(objectIn(objectIn(object, "spec") ?? {}, "matchResources")),
};

export const validatingAdmissionPolicyBindingRules: KindRules = {
  ...admissionPolicyBindingRules,
  cells: (object: ValidatingAdmissionPolicyBinding, nowMs): readonly Cell[] => {
    const { policyName = "", paramRef } = object.spec ?? {};
    const namespace = paramRef?.namespace ?? "";
    const named = paramRef?.name ?? "*";
    const parameter = paramRef === undefined ? UNSET : namespace === "" ? named : `${namespace}/${named}`;
    return [nameOf(object), policyName, parameter, ageOf(object, nowMs)];
  },
};

const UNSET = "<unset>";

function defaultMatch(match: JsonObject | undefined): void {
  if (match === undefined) return;
  setDefault(match, "matchPolicy", "Equivalent");
  setDefault(match, "namespaceSelector", {});
  setDefault(match, "objectSelector", {});
  defaultRules(match["resourceRules"]);
  defaultRules(match["excludeResourceRules"]);
}
