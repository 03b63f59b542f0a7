/**
 * What the LimitRanges of a namespace make of its pods and claims: first defaults, and in the end a refusal.
 * Source: Kubernetes 1.37 admission plugin LimitRanger.
 */
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities, quantityMilli } from "../../../../../protocols/kubernetes/quantity.ts";
import { containerTotal } from "../../../../../protocols/kubernetes/pod-resources.ts";
import { forbidden } from "../../machinery/status.ts";
import type { Admission, Review } from "../rules.ts";

const LIMIT_RANGES = "/registry/limitranges";
const ANNOTATION = "kubernetes.io/limit-ranger";

type Amounts = Readonly<Record<string, string>>;

/** What a container, pod or claim asks for at least, and gets at most. */
interface Asked {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
}

/** Containers that say nothing of a resource get what their namespace says. */
export function withLimitDefaults(pod: Pod, { all }: Pick<Admission, "all">): Pod {
  return itemsOf(all, pod.metadata?.namespace).reduce(
    (limited, items) =>
      withDefaults(
        limited,
        items.filter(({ type }) => type === "Container"),
      ),
    pod,
  );
}

/** @throws Status 403 with all that is too little or too much */
export function reviewPodLimits(pod: Pod, { verb, subresource, all }: Review): void {
  if (verb === "update" && subresource !== "resize") return;
  const spec = pod.spec ?? { containers: [] };
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  refuse("pods", pod.metadata, itemsOf(all, pod.metadata?.namespace), (item) => {
    if (item.type === "Container") return containers.flatMap(({ resources = {} }) => bounds(item, resources));
    return item.type === "Pod" ? bounds(item, wholeOf(spec)) : [];
  });
}

/** @throws Status 403 */
export function reviewClaimLimits(claim: PersistentVolumeClaim, { subresource, all }: Review): void {
  if (subresource !== "") return;
  const requests = claim.spec?.resources?.requests ?? {};
  refuse("persistentvolumeclaims", claim.metadata, itemsOf(all, claim.metadata?.namespace), (item) => {
    if (item.type !== "PersistentVolumeClaim") return [];
    return [...atLeast(item, requests), ...atMost(item, requests, "request")];
  });
}

/** Of each LimitRange of the namespace, in the order of their names. */
function itemsOf(all: Admission["all"], namespace: string | undefined): readonly (readonly LimitRangeItem[])[] {
  const ranges = (all(LIMIT_RANGES) as readonly LimitRange[]).filter(
    ({ metadata }) => metadata?.namespace === namespace,
  );
  const nameOf = ({ metadata }: LimitRange): string => metadata?.name ?? "";
  return ranges.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).map(({ spec }) => spec?.limits ?? []);
}

function refuse(
  resource: string,
  { name = "" }: NonNullable<Pod["metadata"]> = {},
  ranges: readonly (readonly LimitRangeItem[])[],
  wrongWith: (item: LimitRangeItem) => readonly string[],
): void {
  for (const items of ranges) {
    const [first, ...others] = [...new Set(items.flatMap(wrongWith))];
    if (first === undefined) continue;
    throw forbidden({ group: "", resource }, name, others.length === 0 ? first : `[${[first, ...others].join(", ")}]`);
  }
}

function withDefaults(pod: Pod, items: readonly LimitRangeItem[]): Pod {
  const defaults: Asked = {
    requests: Object.assign({}, ...items.map(({ defaultRequest }) => defaultRequest)) as Amounts,
    limits: Object.assign({}, ...items.map((item) => item.default)) as Amounts,
  };
  const told: string[] = [];
  const fill = (list: readonly Container[], what: string): readonly Container[] =>
    list.map((container) => filled(container, what, defaults, told));
  const { spec = { containers: [] }, metadata } = pod;
  const containers = fill(spec.containers ?? [], "container");
  const initContainers = fill(spec.initContainers ?? [], "init container");
  if (told.length === 0) return pod;
  const annotations = { ...metadata?.annotations, [ANNOTATION]: `LimitRanger plugin set: ${told.join("; ")}` };
  return {
    ...pod,
    metadata: { ...metadata, annotations },
    spec: { ...spec, containers, ...(spec.initContainers && { initContainers }) },
  };
}

function filled(container: Container, what: string, defaults: Asked, told: string[]): Container {
  let resources = container.resources ?? {};
  for (const [list, word] of [
    ["requests", "request"],
    ["limits", "limit"],
  ] as const) {
    const given: Amounts = resources[list] ?? {};
    const added = Object.entries(defaults[list] ?? {}).filter(([name]) => given[name] === undefined);
    if (added.length === 0) continue;
    resources = { ...resources, [list]: { ...given, ...Object.fromEntries(added) } };
    const names = added.map(([name]) => name).sort();
    told.push(`${names.join(", ")} ${word} for ${what} ${container.name}`);
  }
  return { ...container, resources };
}

/** What the pod says as a whole counts before what its containers say. */
function wholeOf(spec: PodSpec): Asked {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  return {
    requests: { ...containerTotal(spec, "requests"), ...requests },
    limits: { ...containerTotal(spec, "limits"), ...limits },
  };
}

function bounds(item: LimitRangeItem, { requests = {}, limits = {} }: Asked): readonly string[] {
  return [
    ...atLeast(item, requests),
    ...Object.keys(item.max ?? {}).flatMap((name) => mostOf(item, name, requests, limits)),
    ...Object.entries(item.maxLimitRequestRatio ?? {}).flatMap(([name, ratio]) =>
      ratioOf(`${name} max limit to request ratio per ${item.type} is ${ratio}`, ratio, requests[name], limits[name]),
    ),
  ];
}

function atLeast({ type, min = {} }: LimitRangeItem, requests: Amounts): readonly string[] {
  return Object.entries(min).flatMap(([name, least]) => {
    const head = `minimum ${name} usage per ${type} is ${least}`;
    const request = requests[name];
    if (request === undefined) return [`${head}.  No request is specified`];
    return compareQuantities(request, least) < 0 ? [`${head}, but request is ${request}`] : [];
  });
}

function atMost({ type, max = {} }: LimitRangeItem, amounts: Amounts, word: string): readonly string[] {
  return Object.entries(max).flatMap(([name, most]) => {
    const head = `maximum ${name} usage per ${type} is ${most}`;
    const amount = amounts[name];
    if (amount === undefined) return [`${head}.  No ${word} is specified`];
    return compareQuantities(amount, most) > 0 ? [`${head}, but ${word} is ${amount}`] : [];
  });
}

/** The limit counts; a request beyond it, where there is none, too. */
function mostOf(
  { type, max = {} }: LimitRangeItem,
  name: string,
  requests: Amounts,
  limits: Amounts,
): readonly string[] {
  const most = max[name] ?? "";
  const wrong = atMost({ type, max: { [name]: most } }, limits, "limit");
  const request = requests[name];
  if (wrong.length > 0 || request === undefined || compareQuantities(request, most) <= 0) return wrong;
  return [`maximum ${name} usage per ${type} is ${most}, but request is ${request}`];
}

function ratioOf(
  head: string,
  ratio: string,
  request: string | undefined,
  limit: string | undefined,
): readonly string[] {
  const missing = (amount: string | undefined): boolean => amount === undefined || compareQuantities(amount, "0") === 0;
  if (missing(request)) return [`${head}, but no request is specified or request is 0`];
  if (missing(limit)) return [`${head}, but no limit is specified or limit is 0`];
  const provided = quantityMilli(limit ?? "") / quantityMilli(request ?? "");
  return provided * 1000 > quantityMilli(ratio) ? [`${head}, but provided ratio is ${provided.toFixed(6)}`] : [];
}
