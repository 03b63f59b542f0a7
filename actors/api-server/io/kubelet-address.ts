/** Where the kubelet of a node is reached, and by what it knows that it is an API server who asks. */
import { request as httpRequest } from "node:http";
import type { ClientRequest } from "node:http";
import type { RequestOptions } from "node:https";
import { request as httpsRequest } from "node:https";
import type { Node } from "../../../protocols/kubernetes/types/core-v1.ts";
import { internalError } from "../core/machinery/status.ts";
import type { KubeletAccess } from "../metrics.ts";
import { kubeletToken } from "./kubelet-token.ts";

const PORT_MAX = 65_535;
/** The scheme of the `providerID` of nodes that run in the process of their API servers. */
const EMBEDDED = /^inkube:/;

export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
  /** Plain HTTP is for the kubelets of this process, on loopback. */
  readonly secure: boolean;
}

/** @throws Status 500 when the node does not say */
export function kubeletAddress({ metadata, spec, status }: Node): KubeletAddress {
  const host = status?.addresses?.find((address) => address.type === "InternalIP")?.address;
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (host === undefined || port === undefined || !Number.isInteger(port) || port < 1 || port > PORT_MAX)
    throw internalError(`node ${metadata?.name ?? ""} does not say where its kubelet listens`);
  return { host, port, secure: !EMBEDDED.test(spec?.providerID ?? "") };
}

/** What a request to it has besides. A kubelet's own certificate vouches for nothing, as for kube-apiserver without `--kubelet-certificate-authority`. */
export function kubeletCredentials(
  address: KubeletAddress,
  { kubeletToken: ofCluster, kubeletClient }: KubeletAccess,
): { readonly tls: RequestOptions; readonly token?: string } {
  if (!address.secure) return { tls: {}, token: kubeletToken(ofCluster, address) };
  return { tls: { rejectUnauthorized: false, ...kubeletClient } };
}

/** `GET` to it. */
export function askKubelet(address: KubeletAddress, path: string, access: KubeletAccess): ClientRequest {
  const { host, port, secure } = address;
  const { tls, token } = kubeletCredentials(address, access);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (secure ? httpsRequest : httpRequest)({ host, port, path, headers, ...tls });
}

export function kubeletUrl({ host, port, secure }: KubeletAddress, path: string): string {
  return `${secure ? "https" : "http"}://${host}:${port}${path}`;
}
