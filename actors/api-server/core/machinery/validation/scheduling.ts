/** Rules of what pods say about where they may run. Source: Kubernetes `pkg/apis/core/validation/validation.go`. */
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateLabelSelector } from "./label-selector.ts";
import { repeatedAt } from "./repeated.ts";
import { dns1123Label, labelValue, qualifiedName } from "./names.ts";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateTolerations(field: string, tolerations: readonly Toleration[], errors: FieldErrors): void {
  for (const [i, toleration] of tolerations.entries()) {
    const at = `${field}[${i}]`;
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    if (key) errors.all(`${at}.key`, key, qualifiedName(key));
    else if (operator !== "Exists") {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.invalid(`${at}.operator`, operator ?? "", detail);
    }
    if (typeof tolerationSeconds === "number" && effect !== "NoExecute") {
      errors.invalid(`${at}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    switch (operator as string | undefined) {
      case undefined:
      case "Equal":
        errors.all(`${at}.operator`, value ?? "", labelValue(value ?? ""));
        break;
      case "Exists":
        if (value) errors.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
        break;
      case "Lt":
      case "Gt":
        // Kubernetes' own list has them, though they are switched off.
        errors.unsupported(`${at}.operator`, operator, ["Equal", "Exists", "Lt", "Gt"]);
        break;
      default:
        errors.oneOf(`${at}.operator`, operator, ["Equal", "Exists"]);
    }
    if (effect) errors.oneOf(`${at}.effect`, effect, EFFECTS);
  }
}

export function validateAffinity(field: string, affinity: Affinity, errors: FieldErrors): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const required = "requiredDuringSchedulingIgnoredDuringExecution";
  const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  if (nodeAffinity) {
    const at = `${field}.nodeAffinity`;
    const selector = nodeAffinity[required];
    if (selector) validateNodeSelector(`${at}.${required}`, selector, errors);
    for (const [i, { weight, preference }] of (nodeAffinity[preferred] ?? []).entries()) {
      validateWeight(`${at}.${preferred}[${i}].weight`, weight, errors);
      validateTerm(`${at}.${preferred}[${i}].preference`, preference, errors);
    }
  }
  for (const [name, pods] of Object.entries({ podAffinity, podAntiAffinity })) {
    if (!pods) continue;
    const at = `${field}.${name}`;
    for (const [i, term] of (pods[required] ?? []).entries()) validatePodTerm(`${at}.${required}[${i}]`, term, errors);
    for (const [i, { weight, podAffinityTerm }] of (pods[preferred] ?? []).entries()) {
      validateWeight(`${at}.${preferred}[${i}].weight`, weight, errors);
      validatePodTerm(`${at}.${preferred}[${i}].podAffinityTerm`, podAffinityTerm, errors);
    }
  }
}

export function validateNodeSelector(at: string, selector: NodeSelector, errors: FieldErrors): void {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) {
    errors.required(`${at}.nodeSelectorTerms`, "must have at least one node selector term");
  }
  for (const [i, term] of terms.entries()) {
    const here = `${at}.nodeSelectorTerms[${i}]`;
    validateTerm(here, term, errors);
    validateValues(here, term, errors);
  }
}

function validateWeight(field: string, weight: number, errors: FieldErrors): void {
  if (weight < 1 || weight > 100) errors.invalid(field, weight, "must be in the range 1-100");
}

function validateTerm(at: string, term: NodeSelectorTerm, errors: FieldErrors): void {
  for (const [i, requirement] of (term.matchExpressions ?? []).entries()) {
    const here = `${at}.matchExpressions[${i}]`;
    validateOperands(here, requirement, errors);
    errors.all(`${here}.key`, requirement.key, qualifiedName(requirement.key));
  }
  for (const [i, { key, operator, values }] of (term.matchFields ?? []).entries()) {
    const here = `${at}.matchFields[${i}]`;
    if (operator !== "In" && operator !== "NotIn") {
      errors.invalid(`${here}.operator`, operator, "not a valid selector operator");
    } else if ((values ?? []).length !== 1) {
      errors.required(
        `${here}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      );
    }
    if (key !== "metadata.name") errors.invalid(`${here}.key`, key, "not a valid field selector key");
  }
}

/** Of what is required; a preference for a value that no node can have is let through. */
function validateValues(at: string, term: NodeSelectorTerm, errors: FieldErrors): void {
  for (const [i, { values }] of (term.matchExpressions ?? []).entries()) {
    for (const [j, value] of (values ?? []).entries()) {
      errors.all(`${at}.matchExpressions[${i}].values[${j}]`, value, labelValue(value));
    }
  }
}

function validateOperands(at: string, { operator, values }: NodeSelectorRequirement, errors: FieldErrors): void {
  const count = (values ?? []).length;
  switch (operator as string) {
    case "In":
    case "NotIn":
      if (count === 0) errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      return;
    case "Exists":
    case "DoesNotExist":
      if (count === 0) return;
      return errors.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    case "Gt":
    case "Lt":
      if (count === 1) return;
      return errors.required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    default:
      errors.invalid(`${at}.operator`, operator, "not a valid selector operator");
  }
}

function validatePodTerm(at: string, term: PodAffinityTerm, errors: FieldErrors): void {
  if (term.labelSelector) validateLabelSelector(`${at}.labelSelector`, term.labelSelector, errors);
  if (term.namespaceSelector) validateLabelSelector(`${at}.namespaceSelector`, term.namespaceSelector, errors);
  // Kubernetes names the field so, and leaves the index out.
  for (const name of term.namespaces ?? []) errors.all(`${at}.namespace`, name, dns1123Label(name));
  validateLabelKeys(at, "matchLabelKeys", term.matchLabelKeys ?? [], term.labelSelector, errors);
  validateLabelKeys(at, "mismatchLabelKeys", term.mismatchLabelKeys ?? [], term.labelSelector, errors);
  const mismatched = new Set(term.mismatchLabelKeys);
  for (const [i, key] of (term.matchLabelKeys ?? []).entries()) {
    if (!mismatched.has(key)) continue;
    errors.invalid(`${at}.matchLabelKeys[${i}]`, key, "exists in both matchLabelKeys and mismatchLabelKeys");
  }
  if (!term.topologyKey) errors.required(`${at}.topologyKey`, "can not be empty");
  errors.all(`${at}.topologyKey`, term.topologyKey, qualifiedName(term.topologyKey));
}

export function validateSpreadConstraints(
  field: string,
  constraints: readonly TopologySpreadConstraint[],
  errors: FieldErrors,
): void {
  const pairs = constraints.map(({ topologyKey, whenUnsatisfiable }) => `{${topologyKey}, ${whenUnsatisfiable}}`);
  // It is the earlier one of which Kubernetes says so.
  const repeatedFromEnd = repeatedAt(pairs.toReversed());
  for (const [i, constraint] of constraints.entries()) {
    const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector, minDomains } = constraint;
    const at = `${field}[${i}]`;
    if (maxSkew <= 0) errors.invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero");
    if (!topologyKey) errors.required(`${at}.topologyKey`, "can not be empty");
    errors.oneOf(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]);
    if (repeatedFromEnd.has(constraints.length - 1 - i)) {
      errors.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pairs[i]);
    }
    if (typeof minDomains === "number") {
      if (minDomains <= 0) errors.invalid(`${at}.minDomains`, minDomains, "must be greater than zero");
      if (whenUnsatisfiable !== "DoNotSchedule") {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.invalid(`${at}.minDomains`, minDomains, detail);
      }
    }
    for (const policy of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      if (constraint[policy] !== undefined) errors.oneOf(`${at}.${policy}`, constraint[policy], ["Honor", "Ignore"]);
    }
    validateLabelKeys(at, "matchLabelKeys", constraint.matchLabelKeys ?? [], labelSelector, errors);
    if (labelSelector) validateLabelSelector(`${at}.labelSelector`, labelSelector, errors);
  }
}

/** Keys of labels whose values a pod takes from itself. */
function validateLabelKeys(
  at: string,
  name: string,
  keys: readonly string[],
  selector: PodAffinityTerm["labelSelector"],
  errors: FieldErrors,
): void {
  if (keys.length === 0) return;
  if (!selector) return errors.forbidden(`${at}.${name}`, "must not be specified when labelSelector is not set");
  for (const [i, key] of keys.entries()) errors.all(`${at}.${name}[${i}]`, key, qualifiedName(key));
}
