/** How a person names an object or an actor, and what events call it. */
import { InkubeError } from "../../../protocols/errors.ts";
import { nearestName } from "../../../protocols/nearest-name.ts";
import type { TraceRecord } from "./record.ts";

/**
 * What the record calls it, where it knows it.
 * @param ref as `pod/web-1` (in `default`), `pods/shop/web-1`, `node/worker-1`, or the name of an actor
 * Errors: NOT_RECORDED, with what is much like it.
 */
export function subjectOf(record: TraceRecord, ref: string): string {
  const known = (subject: string): boolean =>
    record.about(subject).length > 0 || record.versionsOf(subject).length > 0 || record.of(subject).length > 0;
  for (const subject of subjectsOf(ref)) if (known(subject)) return subject;
  throw new InkubeError("NOT_RECORDED", `nothing is recorded of ${ref}, or not any more${suggestion(record, ref)}`, {
    details: { ref },
  });
}

/** `pods/default/web-1`, as events name it, by whatever its kind is called; an actor's name stays as it is. */
function subjectsOf(ref: string): ReadonlySet<string> {
  const [kind = "", ...rest] = ref.split("/");
  const named = new Set<string>();
  // The key of a queue is called as the kind is: an object comes first.
  for (const plural of [resourceOf(kind), kind.toLowerCase()]) {
    if (rest.length === 1) named.add(`${plural}/default/${rest[0]}`);
    named.add([plural, ...rest].join("/"));
  }
  return named.add(ref);
}

function suggestion(record: TraceRecord, ref: string): string {
  const names = record.subjects();
  const wanted = [...subjectsOf(ref)][0]!;
  const nearest = nearestName(wanted, names) ?? nearestName(ref, names);
  if (nearest !== undefined) return `; did you mean ${nearest}?`;
  const [kind = ""] = wanted.split("/");
  const ofKind = names.filter((name) => name.startsWith(`${kind}/`)).slice(-NAMED_MAX);
  return ofKind.length === 0 ? "" : `; there are ${ofKind.join(", ")}`;
}

const NAMED_MAX = 5;

/** `deployments`, of `deploy`, `Deployment` or `deployments`. */
export function resourceOf(word: string): string {
  const lower = word.toLowerCase();
  return SHORT_NAMES[lower] ?? (isPlural(lower) ? lower : pluralOf(lower));
}

function isPlural(word: string): boolean {
  return /[^s]s$/.test(word) && !word.endsWith("ingress");
}

/** Of a kind of Kubernetes. */
export function pluralOf(kind: string): string {
  if (/[^aeiou]y$/.test(kind)) return `${kind.slice(0, -1)}ies`;
  return /(?:s|x|ch)$/.test(kind) ? `${kind}es` : `${kind}s`;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  po: "pods",
  no: "nodes",
  ns: "namespaces",
  cm: "configmaps",
  deploy: "deployments",
  rs: "replicasets",
  sts: "statefulsets",
  ds: "daemonsets",
  cj: "cronjobs",
  svc: "services",
  ep: "endpoints",
  sa: "serviceaccounts",
  pv: "persistentvolumes",
  pvc: "persistentvolumeclaims",
  ing: "ingresses",
  netpol: "networkpolicies",
  hpa: "horizontalpodautoscalers",
  pdb: "poddisruptionbudgets",
  crd: "customresourcedefinitions",
  crds: "customresourcedefinitions",
  endpoints: "endpoints",
};
