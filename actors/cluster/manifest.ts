/** Manifests: YAML (or JSON) text, or objects, into API objects; and how to apply one over what is there. */
import type { Tags } from "yaml";
import { parseAllDocuments } from "yaml";
import type { GroupVersionResource, KubernetesObject, PatchType } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import { findResource, RESOURCES } from "../../protocols/kubernetes/resources.ts";
import { isYamlTooDeep } from "../../protocols/kubernetes/yaml-depth.ts";
import { GO_YAML_TAGS } from "../../protocols/kubernetes/yaml-tags.ts";
import { findNotPlain } from "../client/core/plain-data.ts";
import type { NamedResource } from "../client/custom-resources.ts";
import type { Resource } from "../client/resources.ts";
import { apiVersionOf } from "../client/resources.ts";

const customTags = (tags: Tags): Tags => [...tags, ...GO_YAML_TAGS];

/** Nobody nests them more than once. */
const LISTS_DEPTH_MAX = 10;

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** All that is built in and can be read. */
const BUILT_IN: readonly NamedResource[] = RESOURCES.filter(({ verbs }) => verbs.includes("get"));

/** Errors: INVALID_MANIFEST, with the document and line. `source` names the text in errors. */
export function parseManifest(
  manifest: string | object | readonly object[],
  source = "manifest",
): readonly KubernetesObject[] {
  if (typeof manifest !== "string")
    return (Array.isArray(manifest) ? manifest : [manifest]).flatMap((value, index) => {
      const place = `${source}[${index}]`;
      return reading(place, () => flatten(value, place));
    });
  if (isYamlTooDeep(manifest)) throw invalid(source, "is nested too deep; is a bracket not closed?");
  const documents = reading(source, () => [...parseAllDocuments(manifest, { prettyErrors: true, customTags })]);
  return documents.flatMap((document, index) => {
    const error = document.errors[0];
    // Its first line says what and where; the lines after it show the place.
    if (error !== undefined) throw invalid(source, error.message.split(":\n")[0]!);
    const place = `${source}, document ${index + 1}`;
    return reading(place, () => {
      // Throws for aliases that multiply without end.
      const value: unknown = document.toJS();
      return value === null ? [] : flatten(value, place);
    });
  });
}

/** Whatever the parser, a getter or a Proxy throws is the manifest's fault. */
function reading<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof InkubeError) throw error;
    throw invalid(place, `can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function flatten(value: unknown, place: string, depth = 0): readonly KubernetesObject[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(place, "is not an object");
  const object = value as KubernetesObject & { readonly items?: readonly unknown[] };
  for (const field of ["apiVersion", "kind"] as const) {
    if (typeof object[field] !== "string" || object[field] === "") throw invalid(place, `has no ${field}`);
  }
  if (object.kind === "List" && Array.isArray(object.items)) {
    if (depth >= LISTS_DEPTH_MAX) throw invalid(place, "is a List in too many Lists; does it contain itself?");
    return object.items.flatMap((item, index) => flatten(item, `${place}.items[${index}]`, depth + 1));
  }
  const found = findNotPlain(object);
  if (found !== undefined)
    throw invalid(place, `is no plain data: ${found.path === "" ? "it" : found.path} ${found.what}`);
  const { name, generateName } = object.metadata ?? {};
  if (name === undefined && generateName === undefined) throw invalid(place, `(${object.kind}) has no metadata.name`);
  return [object];
}

/** Those among the objects that say enough of what they define. */
export function definitionsIn(objects: readonly KubernetesObject[]): readonly CustomResourceDefinition[] {
  return (objects as readonly Partial<CustomResourceDefinition>[]).filter(
    (object): object is CustomResourceDefinition =>
      object.kind === "CustomResourceDefinition" &&
      object.apiVersion === "apiextensions.k8s.io/v1" &&
      typeof object.spec?.names?.kind === "string" &&
      Array.isArray(object.spec.versions),
  );
}

/** Among the built-in resources and `custom` ones. Errors: UNKNOWN_KIND. */
export function resourceOf(object: KubernetesObject, custom: readonly Resource[] = []): Resource {
  const isMeant = (row: Resource): boolean => row.kind === object.kind && apiVersionOf(row) === object.apiVersion;
  const row = BUILT_IN.find(isMeant) ?? custom.find(isMeant);
  if (row !== undefined) return row;
  const known = [...BUILT_IN, ...custom].map((candidate) => `${apiVersionOf(candidate)} ${candidate.kind}`);
  throw new InkubeError(
    "UNKNOWN_KIND",
    `no kind "${object.kind}" in "${object.apiVersion}"; there are ${known.join(", ")}`,
  );
}

/**
 * `word` as kubectl takes it: `deployment`, `deployments`, `Deployment`, `deploy`, `deployments.apps`, `deployments.v1.apps`.
 * Among the built-in resources and `custom` ones. Errors: UNKNOWN_KIND.
 */
export function resourceNamed(word: string, custom: readonly NamedResource[] = []): Resource {
  const [name = "", ...rest] = word.toLowerCase().split(".");
  const place = rest.join(".");
  const isMeant = ({ group, version, resource, kind, singular, shortNames }: NamedResource): boolean =>
    [resource, singular, kind.toLowerCase(), ...shortNames].includes(name) &&
    ["", group, `${version}.${group}`, version].includes(place);
  const row = BUILT_IN.find(isMeant) ?? custom.find(isMeant);
  if (row === undefined)
    throw new InkubeError(
      "UNKNOWN_KIND",
      `no resource "${word}"; there are ${[...BUILT_IN, ...custom].map(({ resource }) => resource).join(", ")}`,
    );
  return row;
}

/** As `kubectl apply` patches it: custom resources have no merge keys. */
export function patchTypeOf({ group, version, resource }: GroupVersionResource): PatchType {
  const isBuiltIn = findResource(group, version, resource) !== undefined;
  return isBuiltIn ? "application/strategic-merge-patch+json" : "application/merge-patch+json";
}

/** `object` with a record of itself, from which the next `apply` knows what has been taken out. */
export function withRecord<T extends KubernetesObject>(object: T): T {
  const record = JSON.stringify(object);
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata?.annotations, [LAST_APPLIED]: record } },
  };
}

/** The merge patch, strategic or not, from what was applied last to `object`: everything it says, and null for what it no longer says. */
export function applyPatch(current: KubernetesObject, object: KubernetesObject): KubernetesObject {
  const record = current.metadata?.annotations?.[LAST_APPLIED];
  const last: unknown = record === undefined ? {} : JSON.parse(record);
  return withRemovals(withRecord(object), last) as KubernetesObject;
}

function withRemovals(wanted: unknown, last: unknown): unknown {
  if (!isMap(wanted) || !isMap(last)) return wanted;
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(wanted)) patch[key] = withRemovals(value, last[key]);
  for (const key of Object.keys(last)) if (!(key in wanted)) patch[key] = null;
  return patch;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(place: string, what: string): InkubeError {
  return new InkubeError("INVALID_MANIFEST", `${place}: ${what}`);
}
