import type { Namespace, Node, Pod, Service } from "../../protocols/kubernetes/types/core-v1.ts";
import type { ReplicaSet } from "../../protocols/kubernetes/types/apps-v1.ts";
import type { PodDisruptionBudget } from "../../protocols/kubernetes/types/policy-v1.ts";

export interface SchedulingSituation {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly bound?: readonly (Pod & { readonly namespace?: string })[];
  readonly pods: readonly Pod[];
  readonly services?: readonly Service[];
  readonly replicaSets?: readonly ReplicaSet[];
  readonly budgets?: readonly PodDisruptionBudget[];
  readonly namespaces?: Readonly<Record<string, NonNullable<Namespace["metadata"]>["labels"]>>;
}

export declare const SITUATIONS: readonly SchedulingSituation[];
