/**
 * What somebody who asks a kubelet over HTTPS must be allowed: a subresource of its node. All that is asked is read.
 * Source: kubelet `pkg/kubelet/server/auth.go`.
 */
export interface DoorUser {
  readonly user: string;
  readonly groups: readonly string[];
}

export function subresourceOf(path: string): "stats" | "metrics" | "log" | "proxy" {
  const isBelow = (prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
  if (isBelow("/stats")) return "stats";
  if (isBelow("/metrics")) return "metrics";
  return isBelow("/logs") ? "log" : "proxy";
}
