/**
 * The affinity terms of pods, compiled: which pods a term means, and under which text it is the same term. Pods of one template
 * have equal terms, so that what is counted for one serves all.
 *
 * @see k8s.io/kube-scheduler/framework/types.go AffinityTerm
 */
import { compileSelectorObject } from "../../../protocols/kubernetes/selectors.ts";
import type { CompiledLabelSelector, Labels } from "../../../protocols/kubernetes/selectors.ts";
import type { Pod, PodAffinityTerm } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../../protocols/kubernetes/types/meta-v1.ts";

export interface AffinityTerm {
  /** Equal for terms that mean the same pods in the same topology. */
  readonly text: string;
  readonly topologyKey: string;
  /** Those named; the pod's own when the term names none and selects none. */
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels, besides those named. */
  readonly namespaceSelector: CompiledLabelSelector | undefined;
  readonly selector: CompiledLabelSelector;
}

export interface WeightedTerm {
  readonly term: AffinityTerm;
  readonly weight: number;
}

export interface PodTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedTerm[];
  readonly preferredAntiAffinity: readonly WeightedTerm[];
}

export const NO_TERMS: PodTerms = {
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
};

/** Whose labels, in which namespace with which labels, a term is asked about. */
export interface Meant {
  readonly namespace: string;
  readonly labels: Labels;
}

export function termMatches(term: AffinityTerm, pod: Meant, namespaceLabels: Labels | undefined): boolean {
  const inNamespace =
    term.namespaces.has(pod.namespace) || term.namespaceSelector?.matches(namespaceLabels ?? {}) === true;
  return inNamespace && term.selector.matches(pod.labels);
}

export function podTerms(pod: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return NO_TERMS;
  const { namespace = "", labels = {} } = pod.metadata ?? {};
  const compile = (term: PodAffinityTerm): AffinityTerm => compileTerm(term, namespace, labels);
  const required = (terms: readonly PodAffinityTerm[] = []): readonly AffinityTerm[] => terms.map(compile);
  const preferred = (
    terms: readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[] = [],
  ): readonly WeightedTerm[] =>
    terms.map(({ weight, podAffinityTerm }) => ({ weight, term: compile(podAffinityTerm) }));
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

function compileTerm(term: PodAffinityTerm, podNamespace: string, labels: Labels): AffinityTerm {
  const { topologyKey, namespaceSelector, namespaces = [] } = term;
  const labelSelector = withLabelKeys(
    withLabelKeys(term.labelSelector, term.matchLabelKeys, labels, "In"),
    term.mismatchLabelKeys,
    labels,
    "NotIn",
  );
  const named = namespaces.length === 0 && namespaceSelector === undefined ? [podNamespace] : namespaces;
  return {
    text: JSON.stringify([topologyKey, named, namespaceSelector ?? null, labelSelector ?? null]),
    topologyKey,
    namespaces: new Set(named),
    namespaceSelector: namespaceSelector === undefined ? undefined : compileCached(namespaceSelector),
    selector: compileCached(labelSelector),
  };
}

/** The selector, and besides the pod's own value of each of `keys` that it has, or any other. */
export function withLabelKeys(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  labels: Labels,
  operator: "In" | "NotIn",
): LabelSelector | undefined {
  const own = (keys ?? []).filter((key) => Object.hasOwn(labels, key));
  if (selector === undefined || own.length === 0) return selector;
  const expressions = own.map((key) => ({ key, operator, values: [labels[key]!] }));
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...expressions] };
}

/** Selectors that are kept compiled: those of so many templates. */
const COMPILED_MAX = 1_024;
const compiled = new Map<string, CompiledLabelSelector>();

/** As `compileSelectorObject`; pods of one template share what comes of it. */
export function compileCached(selector: LabelSelector | undefined): CompiledLabelSelector {
  const text = JSON.stringify(selector) ?? "";
  let found = compiled.get(text);
  if (found === undefined) {
    found = compileSelectorObject(selector);
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    compiled.set(text, found);
  }
  return found;
}
