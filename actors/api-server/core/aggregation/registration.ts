/**
 * The APIServices that this server makes itself: one for each version that a CustomResourceDefinition serves.
 * Source: kube-apiserver `pkg/controlplane/controller/crdregistration`, kube-aggregator `pkg/controllers/autoregister`.
 */
import type { CustomResourceDefinition } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { APIService, APIServiceSpec } from "../../../../protocols/kubernetes/types/apiregistration-v1.ts";
import { equalJson } from "../machinery/json-value.ts";

/** On an APIService that is kept as this server would make it. Whoever takes it off keeps the APIService as it is. */
const MANAGED_LABEL = "kube-aggregator.kubernetes.io/automanaged";
const GROUP_PRIORITY = 1_000;
const VERSION_PRIORITY = 100;

/** How many definitions serve a version, by the name of its APIService. */
export class DefinedVersions {
  private readonly ofDefinition = new Map<string, readonly string[]>();
  private readonly counts = new Map<string, number>();

  /** @returns names of APIServices that may not be as they should be any more */
  note(name: string, definition: CustomResourceDefinition | undefined): readonly string[] {
    const before = this.ofDefinition.get(name) ?? [];
    const { group = "", versions = [] } = definition?.spec ?? {};
    const now = versions.filter(({ served }) => served).map((version) => `${version.name}.${group}`);
    for (const each of before) this.add(each, -1);
    for (const each of now) this.add(each, 1);
    if (definition === undefined) this.ofDefinition.delete(name);
    else this.ofDefinition.set(name, now);
    const [was, is] = [new Set(before), new Set(now)];
    return [...before.filter((each) => !is.has(each)), ...now.filter((each) => !was.has(each))];
  }

  has(name: string): boolean {
    return this.counts.has(name);
  }

  get definitions(): readonly string[] {
    return [...this.ofDefinition.keys()];
  }

  private add(name: string, by: number): void {
    const count = (this.counts.get(name) ?? 0) + by;
    if (count === 0) this.counts.delete(name);
    else this.counts.set(name, count);
  }
}

type Change =
  | { readonly action: "create" | "update"; readonly object: APIService }
  | { readonly action: "delete"; readonly uid: string };

/** What makes an APIService what it should be; undefined: it is, or it is its user's. */
export function registrationOf(name: string, current: APIService | undefined, isDefined: boolean): Change | undefined {
  if (current === undefined) {
    const metadata = { name, labels: { [MANAGED_LABEL]: "true" } };
    return isDefined ? { action: "create", object: { metadata, spec: specOf(name) } } : undefined;
  }
  const { labels, uid = "" } = current.metadata ?? {};
  if (labels?.[MANAGED_LABEL] !== "true") return undefined;
  if (!isDefined) return { action: "delete", uid };
  const spec = specOf(name);
  return equalJson(current.spec, spec) ? undefined : { action: "update", object: { ...current, spec } };
}

function specOf(name: string): APIServiceSpec {
  const dot = name.indexOf(".");
  const [version, group] = [name.slice(0, dot), name.slice(dot + 1)];
  return { group, version, groupPriorityMinimum: GROUP_PRIORITY, versionPriority: VERSION_PRIORITY };
}
