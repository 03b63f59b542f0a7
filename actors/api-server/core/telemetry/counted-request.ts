/**
 * What a request is counted as. Source: apiserver `pkg/endpoints/metrics`, for names, labels and buckets.
 */
import type { RemoteRequest } from "../rest/remote-request.ts";
import type { Target, Verb } from "../rest/target.ts";

/** Upper bounds in seconds, of requests here and at etcd. */
export const REQUEST_BOUNDS: readonly number[] = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

/** Source: apiserver `cleanVerb`. */
export const COUNTED_VERBS: Readonly<Record<Verb, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};

/** What one request was about. */
export interface Counted {
  /** As in the metrics of Kubernetes: `GET`, `LIST`, `POST`. */
  readonly verb: string;
  /** Absent of what is no resource. */
  readonly target?: Target | undefined;
  /** Of a request that another server answers, in place of `target`. */
  readonly remote?: RemoteRequest | undefined;
  /** As the query says it; undefined where it does not. */
  readonly dryRun?: string | undefined;
}

export const REQUEST_LABELS = ["verb", "group", "version", "resource", "subresource", "scope", "component"] as const;

/** The values of `REQUEST_LABELS`. */
export function requestLabels({ verb, target, remote }: Counted): readonly string[] {
  if (remote !== undefined) {
    const { group, version, resource, subresource } = remote;
    const scope = resource === "" ? "" : scopeOf(verb, remote);
    return [verb, group, version, resource, subresource, scope, "aggregator"];
  }
  const { group = "", version = "", resource = "" } = target?.served.info ?? {};
  const scope = target === undefined ? "" : scopeOf(verb, target);
  return [verb, group, version, resource, target?.subresource?.name ?? "", scope, "apiserver"];
}

/** By what requests of one resource are told apart, dry runs among them. */
export function keyWithin({ verb, target, dryRun }: Counted): string {
  const scope = target === undefined ? "" : scopeOf(verb, target);
  const subresource = target?.subresource?.name;
  const key = subresource === undefined ? `${verb} ${scope}` : `${verb} ${scope} ${subresource}`;
  return dryRun === undefined ? key : `${key} ${dryRunLabel(dryRun)}`;
}

/** Source: apiserver `cleanDryRun`. */
export function dryRunLabel(dryRun: string | undefined): string {
  return dryRun === undefined || dryRun === "All" ? (dryRun ?? "") : "invalid";
}

function scopeOf(verb: string, { name, namespace }: Pick<Target, "name" | "namespace">): string {
  if (name !== undefined || verb === "POST") return "resource";
  return namespace === undefined ? "cluster" : "namespace";
}
