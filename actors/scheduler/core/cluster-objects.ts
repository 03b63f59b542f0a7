/** What plugins look up that is neither a node nor a pod: as the API server has told last. */
import type { Labels } from "../../../protocols/kubernetes/selectors.ts";
import type { Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { PodDisruptionBudget } from "../../../protocols/kubernetes/types/policy-v1.ts";
import { VolumeObjects } from "./volumes/volume-objects.ts";

/** The kinds of controllers whose selectors pods are spread by where they say nothing themselves. */
export type SpreadKind = "ReplicationController" | "ReplicaSet" | "StatefulSet";

export class ClusterObjects {
  readonly volumes: VolumeObjects = new VolumeObjects();
  private readonly namespaces = new Map<string, Labels>();
  private readonly services = new Map<string, Map<string, Labels>>();
  private readonly selectors = new Map<string, LabelSelector>();
  private readonly budgets = new Map<string, PodDisruptionBudget>();
  /** Another one whenever a namespace's labels are: what was counted by them is to be counted anew. */
  namespacesVersion = 0;

  /** `labels` undefined: it is no more. Answers whether anything is another now. */
  setNamespace(name: string, labels: Labels | undefined): boolean {
    const before = this.namespaces.get(name);
    if (JSON.stringify(before) === JSON.stringify(labels)) return false;
    if (labels === undefined) this.namespaces.delete(name);
    else this.namespaces.set(name, labels);
    this.namespacesVersion++;
    return true;
  }

  namespaceLabels(name: string): Labels | undefined {
    return this.namespaces.get(name);
  }

  setService(namespace: string, name: string, service: Service | undefined): void {
    let known = this.services.get(namespace);
    const selector = service?.spec?.selector;
    if (selector === undefined || Object.keys(selector).length === 0) {
      known?.delete(name);
      return;
    }
    if (known === undefined) this.services.set(namespace, (known = new Map()));
    known.set(name, selector);
  }

  /** The selectors of the Services of a namespace that have one. */
  serviceSelectors(namespace: string): Iterable<Labels> {
    return this.services.get(namespace)?.values() ?? [];
  }

  setController(kind: SpreadKind, namespace: string, name: string, selector: LabelSelector | undefined): void {
    const key = `${kind}/${namespace}/${name}`;
    if (selector === undefined) this.selectors.delete(key);
    else this.selectors.set(key, selector);
  }

  controllerSelector(kind: string, namespace: string, name: string): LabelSelector | undefined {
    return this.selectors.get(`${kind}/${namespace}/${name}`);
  }

  setBudget(namespace: string, name: string, budget: PodDisruptionBudget | undefined): void {
    const key = `${namespace}/${name}`;
    if (budget === undefined) this.budgets.delete(key);
    else this.budgets.set(key, budget);
  }

  disruptionBudgets(): Iterable<PodDisruptionBudget> {
    return this.budgets.values();
  }
}
