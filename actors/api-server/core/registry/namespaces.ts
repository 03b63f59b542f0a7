/** Namespaces: their phase, and the second list of finalizers that holds them until their contents are gone. */
import type { Fields, Strategy } from "./strategy.ts";

/** They can't be deleted. Source: admission plugin NamespaceLifecycle. */
export const IMMORTAL_NAMESPACES: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

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

export const namespaceStrategy: Strategy = {
  status: "kept",
  specFinalizers: true,
  prepareCreate: (object) => {
    const finalizers = new Set(finalizersOf(object)).add("kubernetes");
    return { ...withNameLabel(object), spec: { finalizers: [...finalizers] }, status: { phase: "Active" } };
  },
  prepareUpdate: (object, old) => ({ ...withNameLabel(object), spec: old["spec"] }),
};

/** What `/finalize` writes: the finalizers of `spec` alone. */
export function withSpecFinalizers(old: Fields, incoming: Fields): Fields {
  const finalizers = finalizersOf(incoming) ?? [];
  return { ...old, spec: finalizers.length === 0 ? {} : { finalizers } };
}

export function isTerminating(namespace: Fields): boolean {
  return namespace.metadata?.deletionTimestamp !== undefined;
}
