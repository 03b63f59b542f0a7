/**
 * ControllerRevisions: what the template of a StatefulSet or DaemonSet was, numbered in the order of use.
 *
 * @see k8s.io/kubernetes/pkg/controller/history
 */
import type { ControllerRevision, DaemonSet, StatefulSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { PodTemplateSpec } from "../../../protocols/kubernetes/types/core-v1.ts";
import { controllerReference } from "../../../protocols/kubernetes/owners.ts";
import { canonical, safeHash } from "./deployment/template.ts";

/** On a pod: the revision that it is of. */
export const REVISION_LABEL = "controller-revision-hash";

/** What has ControllerRevisions. */
export type Revised = DaemonSet | StatefulSet;

/** A kind's own ways with its revisions. */
export interface RevisionStyle {
  readonly kind: "DaemonSet" | "StatefulSet";
  /** The label of a revision that has its hash. */
  readonly hashLabel: string;
}

/** Longest part of an owner's name that goes into the names of its revisions. */
const PREFIX_MAX = 223;

/** A strategic merge patch that puts the template back. Keys are sorted: kubectl compares the bytes with those of its own. */
export function templatePatch(template: PodTemplateSpec | undefined): unknown {
  return { spec: { template: sorted({ ...template, $patch: "replace" }) } };
}

/** The template that a revision stands for. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { spec } = data as { readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } } };
  if (spec?.template === undefined) throw new Error("a ControllerRevision without a template");
  const { $patch: _patch, ...template } = spec.template;
  return template;
}

export function sameData(left: unknown, right: unknown): boolean {
  return canonical(left) === canonical(right);
}

/** A revision of what the owner is now. */
export function newRevision(
  style: RevisionStyle,
  owner: Revised,
  revision: number,
  collisions: number,
): ControllerRevision {
  const { name = "", namespace, annotations } = owner.metadata ?? {};
  const data = templatePatch(owner.spec?.template);
  const hash = safeHash(`${canonical(data)}#${collisions}`);
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${name.slice(0, PREFIX_MAX)}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...owner.spec?.template.metadata?.labels, [style.hashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference("apps/v1", style.kind, owner)],
    },
    data,
    revision,
  };
}

export interface HistoryPlan {
  /** The newest of the revisions that are what the owner is now; undefined: there is none. */
  readonly update: ControllerRevision | undefined;
  /** The number that `update` has to have: its own, unless others have been in use after it. */
  readonly revision: number;
  /** All others, the oldest first. */
  readonly others: readonly ControllerRevision[];
}

export function planHistory(owner: Revised, revisions: readonly ControllerRevision[]): HistoryPlan {
  const data = templatePatch(owner.spec?.template);
  const ordered = [...revisions].sort(byRevision);
  const update = ordered.findLast((revision) => sameData(revision.data, data));
  const others = ordered.filter((revision) => revision !== update);
  const foreign = others.filter((revision) => !sameData(revision.data, data));
  const next = Math.max(0, ...foreign.map(numberOf)) + 1;
  return { update, revision: update === undefined ? next : Math.max(next, numberOf(update)), others };
}

/** Those that nobody needs and that are more than the limit, the oldest first. A limit below 0 keeps all. */
export function planTruncation(
  others: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
  limit: number,
): readonly ControllerRevision[] {
  const dead = others.filter((revision) => !isLive(revision));
  return limit < 0 ? [] : dead.slice(0, Math.max(0, dead.length - limit));
}

function numberOf({ revision }: ControllerRevision): number {
  return revision ?? 0;
}

function byRevision(left: ControllerRevision, right: ControllerRevision): number {
  if (numberOf(left) !== numberOf(right)) return numberOf(left) - numberOf(right);
  const [a, b] = [left, right].map(({ metadata }) => `${metadata?.creationTimestamp ?? ""}/${metadata?.name ?? ""}`);
  return (a ?? "") < (b ?? "") ? -1 : 1;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
