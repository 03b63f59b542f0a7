/** What kube-apiserver 1.37.1 answered to requests of ours, recorded once; see the tests for what each case is compared with. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import { allocate, ipRange } from "../../../../../actors/api-server/core/registry/services.ts";
import type { Fields } from "../../../../../actors/api-server/core/registry/strategy.ts";
import { prepareCreate, prepareUpdate } from "../../../../../actors/api-server/core/registry/write.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { ResourceInfo } from "../../../../../protocols/kubernetes/resources.ts";
import { RESOURCES } from "../../../../../protocols/kubernetes/resources.ts";

/** The caller says what the file holds. */
export function readFixture(name: string): unknown {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL(`./fixtures/${name}.json`, import.meta.url)), "utf8"),
  ) as unknown;
}

export function resourceOf(apiVersion: string, resource: string): ResourceInfo {
  const row = RESOURCES.find((candidate) => candidate.apiVersion === apiVersion && candidate.resource === resource);
  if (row === undefined) throw new Error(`no resource ${apiVersion} ${resource}`);
  return row;
}

/** What a write stores, or why it is refused. */
export interface Written {
  readonly object?: Fields;
  readonly causes: readonly StatusCause[];
}

/** The oracle's. */
const RANGES = { ...ipRange("10.96.0.0/16"), firstNodePort: 30_000, lastNodePort: 32_767 };

function written(info: ResourceInfo, old: Fields | undefined, write: () => Fields): Written {
  try {
    const object = write();
    if (info.resource !== "services") return { object, causes: [] };
    const allocation = allocate(object, old, RANGES, { has: () => false, below: () => 5 });
    return "claim" in allocation ? { object: allocation.object, causes: [] } : { causes: allocation };
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return { causes: status.details?.causes ?? [] };
  }
}

function decoded(info: ResourceInfo, value: unknown): KubernetesObject {
  return decodeObject(info, { value, duplicates: [] }, "Ignore").object;
}

/** A POST of `value`, as the API server goes about it. */
export function createdBy(info: ResourceInfo, value: KubernetesObject): Written {
  const namespace = info.namespaced ? "default" : undefined;
  const hasServiceAccount = (): boolean => true;
  const name = value.metadata?.name ?? "";
  const creation = { nowMs: 0, tolerationSeconds: 300, hasServiceAccount, uid: "u", name, namespace };
  return written(info, undefined, () => prepareCreate(info, decoded(info, value), creation));
}

/** A PUT of `value` over `old`. */
export function updatedBy(info: ResourceInfo, value: KubernetesObject, old: KubernetesObject): Written {
  return written(info, old as Fields, () => prepareUpdate(info, decoded(info, value), old, undefined));
}
