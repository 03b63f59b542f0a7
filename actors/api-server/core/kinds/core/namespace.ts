/** Namespaces: their phase, and the second list of finalizers that holds them until their contents are gone. */
import type { Namespace } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label, qualifiedName } from "../../machinery/validation/names.ts";
import type { Fields, KindRules } from "../rules.ts";
import { podSecurityWarnings, validatePodSecurityLabels } from "./pod-security-labels.ts";

/** Made by the first API server of a new cluster. */
export const SYSTEM_NAMESPACES: readonly string[] = ["default", "kube-system", "kube-public", "kube-node-lease"];

const NAME_LABEL = "kubernetes.io/metadata.name";

function withNameLabel(object: Fields): Fields {
  const { metadata } = object;
  if (metadata?.name === undefined) return object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [NAME_LABEL]: metadata.name } } };
}

function finalizersOf(object: Fields): readonly string[] | undefined {
  return (object["spec"] as { readonly finalizers?: readonly string[] } | undefined)?.finalizers;
}

export const namespaceRules: KindRules = {
  status: "kept",
  specFinalizers: true,
  failedPrecondition: "Precondition failed",
  // Source: admission plugin NamespaceLifecycle.
  immortal: new Set(["default", "kube-system", "kube-public"]),
  defaults,
  name: dns1123Label,
  validate: (object: Namespace, errors) => {
    validate(object, errors);
    // Admission comes after all else.
    if (errors.causes.length === 0) validatePodSecurityLabels(object, undefined, errors);
  },
  validateUpdate: validatePodSecurityLabels,
  warnings: podSecurityWarnings,
  validateStatusUpdate: ({ metadata, status }: Namespace, _old: Namespace, errors) => {
    const deleting = metadata?.deletionTimestamp !== undefined;
    const phase = deleting ? "Terminating" : "Active";
    if (status?.phase === phase) return;
    const detail = `may only be '${phase}' if \`deletionTimestamp\` is ${deleting ? "not empty" : "empty"}`;
    errors.invalid("status.Phase", status?.phase ?? "", detail);
  },
  cells: (object: Namespace, nowMs) => [nameOf(object), object.status?.phase ?? "", ageOf(object, nowMs)],
  prepareCreate: (object) => {
    const finalizers = new Set(finalizersOf(object)).add("kubernetes");
    return { ...withNameLabel(object), spec: { finalizers: [...finalizers] }, status: { phase: "Active" } };
  },
  prepareUpdate: (object, old) => ({ ...withNameLabel(object), spec: old["spec"] }),
};

function defaults(object: JsonObject): void {
  const metadata = member(object, "metadata");
  if (typeof metadata["name"] === "string" && metadata["name"] !== "") {
    member(metadata, "labels")["kubernetes.io/metadata.name"] = metadata["name"];
  }
  setDefault(member(object, "status"), "phase", "Active", "");
}

/** Source: `ValidateNamespace`. */
function validate({ spec }: Namespace, errors: FieldErrors): void {
  for (const finalizer of spec?.finalizers ?? []) {
    errors.all("spec.finalizers", finalizer, qualifiedName(finalizer));
    if (finalizer.includes("/") || finalizer === "kubernetes") continue;
    const detail = "name is neither a standard finalizer name nor is it fully qualified";
    errors.invalid("spec.finalizers", finalizer, detail);
  }
}

/** What `/finalize` writes: the finalizers of `spec` alone. */
export function withSpecFinalizers(old: Fields, incoming: Fields): Fields {
  const finalizers = finalizersOf(incoming) ?? [];
  return { ...old, spec: finalizers.length === 0 ? {} : { finalizers } };
}

export function isTerminating(namespace: Fields): boolean {
  return namespace.metadata?.deletionTimestamp !== undefined;
}
