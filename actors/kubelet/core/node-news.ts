/**
 * What a kubelet tells of its node when its conditions change.
 * @see the kubelet's `NodeReady`, `NodeNotReady`, `NodeHasSufficientMemory` … in Kubernetes' `pkg/kubelet/events`
 */
import type { Node } from "../../../protocols/kubernetes/types/core-v1.ts";

export interface NodeNews {
  readonly type: "Normal";
  readonly reason: string;
}

export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

/** That there is no pressure is told when there was some: each node would begin with three such events. */
export function nodeNews(before: Node | undefined, after: Node): readonly NodeNews[] {
  return (after.status?.conditions ?? []).flatMap(({ type, status, reason = "" }) => {
    const old = before?.status?.conditions?.find((one) => one.type === type)?.status;
    if (status === old) return [];
    if (type === "Ready")
      return [{ type: "Normal" as const, reason: status === "True" ? "NodeReady" : "NodeNotReady" }];
    if (old === undefined && status === "False") return [];
    return [{ type: "Normal" as const, reason: reason.replace(/^Kubelet/, "Node") }];
  });
}
