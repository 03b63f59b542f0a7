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

/** Of the same kind what is called much alike; else what else is much like it, or the last of its kind. */
function suggestion(record: TraceRecord, ref: string): string {
  const names = record.subjects();
  const wanted = [...subjectsOf(ref)][0]!;
  const place = wanted.slice(0, wanted.lastIndexOf("/") + 1);
  const ofKind = names.filter((name) => name.startsWith(place) && place !== "").map((name) => name.slice(place.length));
  const nearest = nearestName(wanted.slice(place.length), ofKind);
  if (nearest !== undefined) return `; did you mean ${place}${nearest}?`;
  if (ofKind.length > 0)
    return `; there are ${ofKind
      .slice(-NAMED_MAX)
      .map((name) => `${place}${name}`)
      .join(", ")}`;
  const other = nearestName(wanted, names) ?? nearestName(ref, names);
  return other === undefined ? "" : `; did you mean ${other}?`;
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

/** The keys under which a queue is told of an object: that of `replicasets/default/web` is `replica-set/default/web`, or of the kind as it is. */
export function queuesOf(subject: string): readonly string[] {
  const mark = subject.indexOf("/");
  const resource = subject.slice(0, mark);
  const kind = resource.endsWith("ies") ? `${resource.slice(0, -3)}y` : resource.replace(/(?<=ss|x|ch)es$|s$/, "");
  const hyphened = kind.replace(/(?<=.)(set|job|claim|class)$/, "-$1");
  return [...new Set([hyphened, kind, resource])].map((name) => `${name}${subject.slice(mark)}`);
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
