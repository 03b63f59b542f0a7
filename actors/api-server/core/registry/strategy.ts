/**
 * What is particular to a kind when it is written: one row of hooks for the kinds that need any. Everything else is the same
 * for all kinds. Source: `pkg/registry/<group>/<kind>/strategy.go` and the admission plugins that are on by default.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { zeroOfField } from "../machinery/decode-object.ts";
import { namespaceStrategy } from "./namespaces.ts";
import { nodeStrategy } from "./nodes.ts";
import { podStrategy } from "./pods.ts";
import { serviceStrategy } from "./services.ts";

/** An object of any kind, its fields by name. */
export type Fields = KubernetesObject & { readonly [field: string]: unknown };

export interface Admission {
  readonly nowMs: number;
  /** tolerationSeconds of the two tolerations that every pod gets. */
  readonly tolerationSeconds: number;
  readonly hasServiceAccount: (namespace: string, name: string) => boolean;
}

export interface Strategy {
  /** Has `metadata.generation`, raised when anything but metadata and status changes. */
  readonly generation?: true;
  /** Deleting answers with the object and not with a Status. */
  readonly returnsDeletedObject?: true;
  /** Has a `status` that only the subresource writes, and that creation empties. */
  readonly status?: "empty" | "kept";
  /** Labels can't be changed through the status subresource. */
  readonly statusKeepsLabels?: true;
  /** The object has its defaults. */
  readonly prepareCreate?: (object: Fields, admission: Admission) => Fields;
  /** Main resource only; the object has its defaults, and `status` is already the old one. */
  readonly prepareUpdate?: (object: Fields, old: Fields) => Fields;
  readonly prepareStatusUpdate?: (object: Fields, old: Fields) => Fields;
  readonly validateCreate?: (object: Fields) => readonly StatusCause[];
  /** Seconds that the object may live on after its deletion; 0: it goes at once. Absent: it always goes at once. */
  readonly graceSeconds?: (object: Fields, asked: number | undefined) => number;
  /** The name of a second finalizer list, in `spec`, that holds the object (namespaces). */
  readonly specFinalizers?: true;
}

const WORKLOAD: Strategy = { generation: true, status: "empty" };

const STRATEGIES: ReadonlyMap<string, Strategy> = new Map<string, Strategy>([
  ["/registry/pods", podStrategy],
  ["/registry/services/specs", serviceStrategy],
  ["/registry/minions", nodeStrategy],
  ["/registry/namespaces", namespaceStrategy],
  ["/registry/deployments", { ...WORKLOAD, statusKeepsLabels: true }],
  ["/registry/replicasets", WORKLOAD],
  ["/registry/serviceaccounts", { returnsDeletedObject: true }],
]);

export function strategyOf(info: ResourceInfo): Strategy {
  return STRATEGIES.get(info.storagePrefix ?? "") ?? plainStrategy(info);
}

/** Of a kind without hooks of its own: what its row says. */
function plainStrategy(info: ResourceInfo): Strategy {
  const hasStatus = info.subresources.some(({ name }) => name === "status");
  return {
    ...(info.generation ? { generation: true } : {}),
    ...(hasStatus
      ? { status: "empty", prepareCreate: (object) => ({ ...object, status: zeroOfField(info, "status") }) }
      : {}),
  };
}
