/** What has happened in the cluster that pods which no node took may have waited for. */
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

export type ClusterEvent =
  | { readonly kind: "node-added" | "node-updated"; readonly node: NodeInfo }
  | { readonly kind: "node-deleted"; readonly name: string }
  /** A pod that is on a node, or no longer is. `node`: undefined when it is not known. */
  | { readonly kind: "pod-added" | "pod-deleted"; readonly pod: PodInfo; readonly node: NodeInfo | undefined }
  /** Its labels, or what it asks for, have changed. */
  | {
      readonly kind: "pod-updated";
      readonly pod: PodInfo;
      readonly previous: PodInfo;
      readonly node: NodeInfo | undefined;
    }
  /** A kind that plugins look things up in: `namespaces`, `persistentvolumeclaims`. */
  | { readonly kind: "object-changed"; readonly resource: string };

/** The node that is another now, if there is one. */
export function nodeOf(event: ClusterEvent): NodeInfo | undefined {
  switch (event.kind) {
    case "node-added":
    case "node-updated":
    case "pod-added":
    case "pod-deleted":
    case "pod-updated":
      return event.node;
    case "node-deleted":
    case "object-changed":
      return undefined;
  }
}
