/** The ReplicaSets of a Deployment while a plan is being made: as they are, with what the plan changes on them. */
import type { Deployment, ReplicaSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import { controllerReference } from "../../../../protocols/kubernetes/owners.ts";
import { fencesOf, wanted } from "./rounding.ts";
import { HASH_LABEL, templateHash, templateText } from "./template.ts";

export const REVISION = "deployment.kubernetes.io/revision";
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

/** Annotations of a Deployment that are not its ReplicaSets' business. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  "deprecated.deployment.rollback.to",
]);

export interface Draft {
  readonly original: ReplicaSet;
  readonly name: string;
  replicas: number;
  annotations: Readonly<Record<string, string>>;
  minReadySeconds: number;
}

export function draftOf(original: ReplicaSet): Draft {
  return {
    original,
    name: original.metadata?.name ?? "",
    replicas: wanted(original),
    annotations: original.metadata?.annotations ?? {},
    minReadySeconds: original.spec?.minReadySeconds ?? 0,
  };
}

/** The ReplicaSet as the plan wants it; undefined when nothing changed. */
export function changed(draft: Draft): ReplicaSet | undefined {
  const { original } = draft;
  const before = original.metadata?.annotations ?? {};
  const same =
    wanted(original) === draft.replicas &&
    (original.spec?.minReadySeconds ?? 0) === draft.minReadySeconds &&
    Object.keys(before).length === Object.keys(draft.annotations).length &&
    Object.entries(draft.annotations).every(([key, value]) => before[key] === value);
  if (same || original.spec === undefined) return undefined;
  return {
    ...original,
    metadata: { ...original.metadata, annotations: draft.annotations },
    spec: { ...original.spec, replicas: draft.replicas, minReadySeconds: draft.minReadySeconds },
  };
}

export function byCreation(left: ReplicaSet, right: ReplicaSet): number {
  const [a, b] = [left.metadata?.creationTimestamp ?? "", right.metadata?.creationTimestamp ?? ""];
  if (a !== b) return a < b ? -1 : 1;
  const [c, d] = [left.metadata?.name ?? "", right.metadata?.name ?? ""];
  return c < d ? -1 : c > d ? 1 : 0;
}

export function revisionOf(annotations: Readonly<Record<string, string>> | undefined): number {
  return Number(annotations?.[REVISION] ?? 0) || 0;
}

/** The oldest ReplicaSet that has the Deployment's template. */
export function findNew(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const text = templateText(deployment.spec?.template);
  return [...replicaSets].sort(byCreation).find((set) => templateText(set.spec?.template) === text);
}

/** Gives a ReplicaSet the annotations of its Deployment, and the newest revision when it was not newest before. */
export function annotateNew(draft: Draft, deployment: Deployment, revision: number): void {
  const annotations: Record<string, string> = { ...draft.annotations };
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const before = revisionOf(annotations);
  if (before < revision) {
    annotations[REVISION] = String(revision);
    if (before > 0) {
      const history = annotations[REVISION_HISTORY] ?? "";
      annotations[REVISION_HISTORY] = history === "" ? String(before) : `${history},${before}`;
    }
  }
  draft.annotations = annotations;
}

/** The numbers that tell a change of scale from a rollout. */
export function annotateScale(draft: Draft, deployment: Deployment): void {
  draft.annotations = {
    ...draft.annotations,
    [DESIRED_REPLICAS]: String(wanted(deployment)),
    [MAX_REPLICAS]: String(wanted(deployment) + fencesOf(deployment).maxSurge),
  };
}

export function scaleTo(draft: Draft, replicas: number, deployment: Deployment): void {
  draft.replicas = replicas;
  annotateScale(draft, deployment);
}

/** A ReplicaSet for the Deployment's template, with no pods yet. */
export function newReplicaSet(deployment: Deployment, revision: number): ReplicaSet {
  const { name, namespace } = deployment.metadata ?? {};
  const spec = deployment.spec;
  if (name === undefined || namespace === undefined || spec === undefined) {
    throw new Error("a Deployment without name or spec passed validation");
  }
  const hash = templateHash(spec.template, deployment.status?.collisionCount ?? 0);
  const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
  const bare: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      ownerReferences: [controllerReference("apps/v1", "Deployment", deployment)],
    },
    spec: {
      replicas: 0,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
  const draft = draftOf(bare);
  annotateNew(draft, deployment, revision);
  annotateScale(draft, deployment);
  return { ...bare, metadata: { ...bare.metadata, annotations: draft.annotations } };
}
