/**
 * What a client may rely on of its watches, whatever goes wrong: it is told each change of what it watches once, in order and
 * as what it is, nothing from before the revision that it asked for, and nothing that a bookmark has promised to be over.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { CompiledLabelSelector } from "../../../protocols/kubernetes/selectors.ts";
import { parseLabelSelector } from "../../../protocols/kubernetes/selectors.ts";
import type { SeenDelivery, SeenWatch } from "../../../protocols/api-witness.ts";
import type { Change, History } from "./history.ts";
import type { Finding, Oracle } from "./oracles.ts";

export function watchGuarantees(): Oracle {
  return { name: "watchGuarantees", judge: ({ history }) => findingsOf(history) };
}

function findingsOf(history: History): readonly Finding[] {
  const deliveries = groupedByWatch(history.deliveries);
  const bookmarks = groupedByWatch(history.bookmarks);
  const kinds = kindsOf(history);
  return history.watches.flatMap((watch) => {
    const told = deliveries.get(watch.watch) ?? [];
    const problem =
      orderProblem(watch, told) ??
      bookmarkProblem(told, bookmarks.get(watch.watch) ?? []) ??
      gapProblem(watch, told, history, kinds.get(watch.resource));
    if (problem === undefined) return [];
    const { by, resource, from } = watch;
    return [{ cause: `${by} ${resource}`, text: `a watch of ${resource} by ${by}, from revision ${from}: ${problem}` }];
  });
}

function groupedByWatch<T extends { readonly watch: string }>(seen: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of seen) {
    const group = groups.get(each.watch);
    if (group === undefined) groups.set(each.watch, [each]);
    else group.push(each);
  }
  return groups;
}

/** What it begins with may come in any order. */
function orderProblem({ from }: SeenWatch, told: readonly SeenDelivery[]): string | undefined {
  const first = from === 0 ? told.findIndex(({ type }) => type !== "ADDED") : 0;
  let last = from;
  for (const { type, name, revision } of first < 0 ? [] : told.slice(first)) {
    if (revision <= last) return `${type} ${name} of revision ${revision} was told after ${last}`;
    last = revision;
  }
  return undefined;
}

function bookmarkProblem(
  told: readonly SeenDelivery[],
  bookmarks: readonly { readonly atMs: number; readonly revision: number }[],
): string | undefined {
  for (const { atMs, revision } of bookmarks) {
    const late = told.find((seen) => seen.atMs > atMs && seen.revision <= revision);
    if (late !== undefined) {
      return `${late.type} ${late.name} of revision ${late.revision} was told after the bookmark ${revision}`;
    }
  }
  return undefined;
}

/** Of one that begins with what is there, and of what fields select, it can't be told what it owes. */
function gapProblem(
  { from, namespace, name, labelSelector, fieldSelector }: SeenWatch,
  told: readonly SeenDelivery[],
  { changes }: History,
  kind: string | undefined,
): string | undefined {
  const last = told.at(-1)?.revision ?? 0;
  if (from === 0 || last <= from || fieldSelector !== undefined || kind === undefined) return undefined;
  const selector = labelSelector === undefined ? undefined : parseLabelSelector(labelSelector);
  const byRevision = new Map(told.map((seen) => [seen.revision, seen]));
  for (const change of changes) {
    if (change.revision <= from || change.revision > last || kindOf(change.object) !== kind) continue;
    const { metadata } = change.object;
    if (namespace !== undefined && namespace !== metadata?.namespace) continue;
    if (name !== undefined && name !== metadata?.name) continue;
    const owed = owedOf(change, selector);
    const seen = byRevision.get(change.revision)?.type;
    if (owed !== seen) {
      const was = `${change.subject}, which was ${change.type} at revision ${change.revision}`;
      return `${was}, was ${seen === undefined ? "not told" : `told as ${seen}`}, though others up to ${last} were`;
    }
  }
  return undefined;
}

function owedOf(
  { type, object, previous }: Change,
  selector: CompiledLabelSelector | undefined,
): SeenDelivery["type"] | undefined {
  const isSelected = (each: KubernetesObject): boolean => selector?.matches(each.metadata?.labels) ?? true;
  const was = previous !== undefined && isSelected(previous);
  const is = type !== "deleted" && isSelected(object);
  if (is) return was ? "MODIFIED" : "ADDED";
  return was ? "DELETED" : undefined;
}

/** By the name of a resource, as far as anything of it was told. */
function kindsOf({ deliveries, changes }: History): ReadonlyMap<string, string> {
  const resources = new Map(deliveries.map(({ revision, resource }) => [revision, resource]));
  const kinds = new Map<string, string>();
  for (const { revision, object } of changes) {
    const resource = resources.get(revision);
    if (resource !== undefined) kinds.set(resource, kindOf(object));
  }
  return kinds;
}

function kindOf({ apiVersion = "", kind = "" }: KubernetesObject): string {
  return `${apiVersion} ${kind}`;
}
