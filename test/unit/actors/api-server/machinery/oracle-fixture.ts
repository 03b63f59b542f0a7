/** What kube-apiserver 1.37.1 answered to requests of ours, recorded once; see the tests for what each case is compared with. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { ipRange } from "../../../../../actors/api-server/core/kinds/core/service-addresses.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import { prepareCreate, prepareUpdate } from "../../../../../actors/api-server/core/registry/write.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { ResourceInfo } from "../../../../../protocols/kubernetes/resources.ts";
import { servedAs } from "../harness/catalog.ts";

/** The caller says what the file holds. */
export function readFixture(name: string): unknown {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL(`./fixtures/${name}.json`, import.meta.url)), "utf8"),
  ) as unknown;
}

export function resourceOf(apiVersion: string, resource: string): ResourceInfo {
  return servedAs(apiVersion, resource).info;
}

/** What a write stores, or why it is refused. */
export interface Written {
  readonly object?: Fields;
  readonly causes: readonly StatusCause[];
}

/** The oracle's. */
const RANGES = { ...ipRange("10.96.0.0/16"), firstNodePort: 30_000, lastNodePort: 32_767 };

function written({ stored: { rules } }: Served, old: Fields | undefined, write: () => Fields): Written {
  try {
    const object = write();
    if (rules.claims === undefined) return { object, causes: [] };
    const allocation = rules.claims.allocate(object, old, RANGES, { has: () => false, below: () => 5 });
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

/** Who asked when the answers were recorded. */
const RECORDER = { user: "admin", groups: ["system:masters", "system:authenticated"] };

/** A POST of `value`, as the API server goes about it. */
export function createdBy(served: Served, value: KubernetesObject): Written {
  const namespace = served.info.namespaced ? "default" : undefined;
  const find = (prefix: string): KubernetesObject | undefined =>
    prefix === "/registry/serviceaccounts" ? {} : undefined;
  const name = value.metadata?.name ?? "";
  const creation = {
    nowMs: 0,
    serviceAccounts: true,
    suffix: () => "zzzzz",
    tolerationSeconds: 300,
    find,
    all: () => [],
    uid: "u",
    name,
    namespace,
    by: RECORDER,
  };
  return written(served, undefined, () => finished(prepareCreate(served, decoded(served.info, value), creation)));
}

/** A PUT of `value` over `old`. */
export function updatedBy(served: Served, value: KubernetesObject, old: KubernetesObject): Written {
  return written(served, old as Fields, () =>
    finished(prepareUpdate(served, decoded(served.info, value), old, undefined)),
  );
}
