/** The resources that CustomResourceDefinitions add to those that are built in. */
import { compareVersions } from "../../protocols/kubernetes/version-priority.ts";
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Resource } from "./resources.ts";

export const customResourceDefinitions: Resource<CustomResourceDefinition> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};

/** A resource with the other names that a user may call it by. */
export interface NamedResource extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
}

/** In each version that is served, the preferred one first; none before the definition is established. */
export function resourcesOf(definition: CustomResourceDefinition): readonly NamedResource[] {
  return isEstablished(definition) ? resourcesFrom(definition) : [];
}

/** As `resourcesOf`, of a definition that may not be there yet. */
export function resourcesFrom({ spec, status }: CustomResourceDefinition): readonly NamedResource[] {
  const accepted = status?.acceptedNames;
  const { plural, singular, kind, shortNames = [] } = accepted?.plural ? accepted : spec.names;
  return spec.versions
    .filter(({ served }) => served)
    .map(({ name }) => name)
    .sort(compareVersions)
    .map((version) => ({
      group: spec.group,
      version,
      resource: plural,
      kind,
      namespaced: spec.scope === "Namespaced",
      singular: singular ?? kind.toLowerCase(),
      shortNames,
    }));
}

export function isEstablished(definition: CustomResourceDefinition): boolean {
  return has(definition, "Established", "True");
}

/** Whether it is served, or waits for names that others have. */
export function isDecided(definition: CustomResourceDefinition): boolean {
  return isEstablished(definition) || has(definition, "NamesAccepted", "False");
}

function has({ status }: CustomResourceDefinition, condition: string, value: string): boolean {
  return status?.conditions?.some((each) => each.type === condition && each.status === value) === true;
}
