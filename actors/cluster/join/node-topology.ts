/** A node of its own as a supervision tree: its actors, and a gateway for each API server that they may ask. */
import { OUT_OF_REACH_LABEL } from "../../../protocols/directory-volumes.ts";
import type { SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF, INTENSITY } from "../../../runtime/supervisor/spec.ts";
import type { ApiGatewayOptions } from "../../api-gateway/spec.ts";
import { API_GATEWAY_DEFAULTS } from "../../api-gateway/spec.ts";
import type { ContainerRuntimeOptions } from "../../container-runtime/spec.ts";
import { CONTAINER_RUNTIME_DEFAULTS } from "../../container-runtime/spec.ts";
import type { KubeProxyOptions } from "../../kube-proxy/spec.ts";
import { KUBE_PROXY_DEFAULTS } from "../../kube-proxy/spec.ts";
import type { KubeletOptions } from "../../kubelet/spec.ts";
import { KUBELET_DEFAULTS } from "../../kubelet/spec.ts";
import { child, group, HEAP_LIMITS_MB } from "../topology.ts";
import type { Role } from "../topology.ts";

export interface NodeTopology {
  readonly nodeName: string;
  /** Of the API servers, the preferred one first: `https://host:port`. */
  readonly servers: readonly string[];
  readonly gateway: Pick<ApiGatewayOptions, "authority" | "credentialFile">;
  readonly containerRuntime: Partial<ContainerRuntimeOptions>;
  readonly kubelet: Pick<KubeletOptions, "podCIDR" | "nodeIP" | "door"> & Partial<KubeletOptions>;
  readonly kubeProxy: Pick<KubeProxyOptions, "clusterId" | "serviceRange">;
}

/** As those of the API servers are called that they stand for. */
export const gatewayNames = (servers: readonly string[]): readonly string[] =>
  servers.map((_, index) => `api-server-${index}`);

export function nodeTopology(options: NodeTopology): SupervisorSpec {
  const { nodeName, servers, gateway, kubelet, kubeProxy } = options;
  const apiServers = gatewayNames(servers);
  const runtimeName = `${nodeName}/container-runtime`;
  const runtime: ContainerRuntimeOptions = { ...CONTAINER_RUNTIME_DEFAULTS, ...options.containerRuntime };
  const ofKubelet: KubeletOptions = {
    ...KUBELET_DEFAULTS,
    sharesNodeIP: true,
    isEmbedded: false,
    ...kubelet,
    labels: { ...kubelet.labels, [OUT_OF_REACH_LABEL]: "true" },
    nodeName,
    apiServers,
    containerRuntime: runtimeName,
  };
  const ofProxy: KubeProxyOptions = {
    ...KUBE_PROXY_DEFAULTS,
    ...kubeProxy,
    nodeName,
    nodeIP: kubelet.nodeIP,
    apiServers,
    publishes: false,
  };
  const gateways = servers.map((server, index) => {
    const given: ApiGatewayOptions = { ...API_GATEWAY_DEFAULTS, ...gateway, server };
    return limited("kubelet", child(`api-server-${index}`, "api-gateway", given, []));
  });
  return {
    name: "root",
    strategy: "one_for_one",
    intensity: INTENSITY,
    backoff: BACKOFF,
    startInParallel: true,
    children: [
      group("gateways", gateways),
      group(nodeName, [
        limited("container-runtime", child(runtimeName, "container-runtime", runtime, [])),
        group(`${nodeName}/agents`, [
          limited("kubelet", child(`${nodeName}/kubelet`, "kubelet", ofKubelet, [...apiServers, runtimeName])),
          limited("kube-proxy", child(`${nodeName}/kube-proxy`, "kube-proxy", ofProxy, apiServers)),
        ]),
      ]),
    ],
  };
}

function limited<T>(role: Role, spec: T): T & { readonly heapLimitMb: number } {
  return { ...spec, heapLimitMb: HEAP_LIMITS_MB[role] };
}
