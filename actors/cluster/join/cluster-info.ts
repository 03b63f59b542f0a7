/**
 * What a node that joins may know before anybody vouches for it: whom to trust, and what all nodes of the cluster have in common.
 * It stands where kubeadm keeps it, the ConfigMap `cluster-info` in `kube-public`, which anyone may read.
 */
import { createHash, createPublicKey } from "node:crypto";
import { parse } from "yaml";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { Client } from "../../client/client.ts";
import { configMaps } from "../../client/resources.ts";

export const CLUSTER_INFO: { readonly namespace: string; readonly name: string; readonly path: string } = {
  namespace: "kube-public",
  name: "cluster-info",
  path: "/api/v1/namespaces/kube-public/configmaps/cluster-info",
};

/** What nodes of an inkube cluster do in the same way. */
export interface NodeFacts {
  /** Tells clusters on one machine apart. */
  readonly clusterId: string;
  readonly serviceRange: string;
  readonly leaseRenewMs: number;
  readonly leaseDurationSeconds: number;
}

export interface ClusterInfo {
  /** PEM. */
  readonly authority: string;
  /** Undefined of a cluster that is not inkube's. */
  readonly facts: NodeFacts | undefined;
}

interface Kubeconfig {
  readonly clusters?: readonly { readonly cluster?: Readonly<Record<string, string | undefined>> }[];
}

export function clusterInfoMap(server: string, authority: string, facts: NodeFacts): ConfigMap {
  const cluster = { "certificate-authority-data": Buffer.from(authority).toString("base64"), server };
  const kubeconfig = { apiVersion: "v1", kind: "Config", clusters: [{ name: "", cluster }] };
  return {
    metadata: { name: CLUSTER_INFO.name, namespace: CLUSTER_INFO.namespace },
    // JSON is YAML, which kubeadm writes here.
    data: { kubeconfig: JSON.stringify(kubeconfig), inkube: JSON.stringify(facts) },
  };
}

/** Makes it, or brings it up to date: the address is another one at each start. */
export async function publishClusterInfo(client: Client, map: ConfigMap): Promise<void> {
  try {
    await client.create(configMaps, map);
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
    await client.patch(configMaps, CLUSTER_INFO.name, CLUSTER_INFO.namespace, { data: map.data });
  }
}

/** Undefined for a ConfigMap that names no authority. */
export function readClusterInfo({ data = {} }: ConfigMap): ClusterInfo | undefined {
  const config = parse(data["kubeconfig"] ?? "") as Kubeconfig | null;
  const authority = config?.clusters?.[0]?.cluster?.["certificate-authority-data"];
  if (authority === undefined) return undefined;
  const facts = data["inkube"] === undefined ? undefined : (JSON.parse(data["inkube"]) as NodeFacts);
  return { authority: Buffer.from(authority, "base64").toString("utf8"), facts };
}

/** `sha256:…` of the authority's public key, as kubeadm's `--discovery-token-ca-cert-hash`. */
export function authorityHash(certificate: string): string {
  const info = createPublicKey(certificate).export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(info).digest("hex")}`;
}
