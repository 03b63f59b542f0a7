/** What a URL of the REST API names. Source: apiserver `RequestInfoFactory`. */
import type { Catalog } from "../catalog/catalog.ts";
import type { Target } from "./target.ts";

export interface ResourcePath extends Target {
  /** The old `/watch/` form. */
  readonly watch: boolean;
}

export type GroupPath =
  | { readonly kind: "groups"; readonly root: "api" | "apis" }
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "version"; readonly group: string; readonly version: string };

/** `/api`, `/apis`, `/apis/apps`, `/apis/apps/v1`; undefined for any other path. */
export function parseGroupPath(segments: readonly string[]): GroupPath | undefined {
  const [root, first, second] = segments;
  if (root === "api") {
    if (segments.length === 1) return { kind: "groups", root };
    return segments.length === 2 && first !== undefined ? { kind: "version", group: "", version: first } : undefined;
  }
  if (root !== "apis") return undefined;
  if (first === undefined) return { kind: "groups", root };
  if (second === undefined) return { kind: "group", group: first };
  return segments.length === 3 ? { kind: "version", group: first, version: second } : undefined;
}

/** A resource, an object or a subresource; undefined when the path names none that is served. */
export function parseResourcePath(catalog: Catalog, segments: readonly string[]): ResourcePath | undefined {
  const core = segments[0] === "api";
  if (!core && segments[0] !== "apis") return undefined;
  const group = core ? "" : (segments[1] ?? "");
  const version = segments[core ? 1 : 2] ?? "";
  let at = core ? 2 : 3;
  const watch = segments[at] === "watch";
  if (watch) at++;
  let namespace: string | undefined;
  if (segments[at] === "namespaces" && segments.length > at + 2 && !isNamespaceSubresource(segments[at + 2] ?? "")) {
    namespace = segments[at + 1];
    at += 2;
  }
  const served = catalog.find(group, version, segments[at] ?? "");
  if (served === undefined || segments.length > at + 3) return undefined;
  const { info } = served;
  if (watch && !info.verbs.includes("watch")) return undefined;
  // A cluster-scoped resource is not found below a namespace.
  if (namespace !== undefined && !info.namespaced) return undefined;
  const name = segments[at + 1];
  const subresourceName = segments[at + 2];
  if (info.namespaced && namespace === undefined && name !== undefined) return undefined;
  if (subresourceName === undefined) return { served, namespace, name, subresource: undefined, watch };
  const subresource = info.subresources.find((each) => each.name === subresourceName);
  return subresource === undefined ? undefined : { served, namespace, name, subresource, watch };
}

export function isNamespaceSubresource(segment: string): boolean {
  return segment === "status" || segment === "finalize";
}

/** A path that is taken apart once, when somebody asks. */
export class Location {
  readonly path: string;
  private readonly current: { readonly catalog: Catalog };
  private split: { readonly segments: readonly string[] | undefined } | undefined;
  private found: { readonly by: Catalog; readonly target: ResourcePath | undefined } | undefined;

  constructor(path: string, current: { readonly catalog: Catalog }) {
    this.path = path;
    this.current = current;
  }

  /** As `splitPath`. */
  get segments(): readonly string[] | undefined {
    return (this.split ??= { segments: splitPath(this.path) }).segments;
  }

  /** As `parseResourcePath`, by the catalog of this moment. */
  get target(): ResourcePath | undefined {
    const { catalog } = this.current;
    if (this.found?.by !== catalog) {
      this.found = { by: catalog, target: parseResourcePath(catalog, this.segments ?? []) };
    }
    return this.found.target;
  }
}

/** Segments of a path, decoded; undefined when an escape is malformed. */
export function splitPath(path: string): readonly string[] | undefined {
  const segments: string[] = [];
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf("/", from);
    const end = slash < 0 ? path.length : slash;
    if (end > from) segments.push(path.slice(from, end));
    from = end + 1;
  }
  if (!path.includes("%")) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
