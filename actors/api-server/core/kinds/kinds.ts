/** The rules of the built-in kinds, by group and kind. A kind that is not here has none of its own. */
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { zeroOfField } from "../machinery/decode-object.ts";
import { deployment } from "./apps/deployment.ts";
import { replicaSet } from "./apps/replicaset.ts";
import { horizontalPodAutoscaler } from "./autoscaling/horizontalpodautoscaler.ts";
import { clusterTrustBundle } from "./certificates/clustertrustbundle.ts";
import { lease } from "./coordination/lease.ts";
import { configMap } from "./core/configmap.ts";
import { endpoints } from "./core/endpoints.ts";
import { coreEvent } from "./core/event.ts";
import { namespace } from "./core/namespace.ts";
import { node } from "./core/node.ts";
import { pod } from "./core/pod.ts";
import { secret } from "./core/secret.ts";
import { service } from "./core/service.ts";
import { serviceAccount } from "./core/serviceaccount.ts";
import { endpointSlice } from "./discovery/endpointslice.ts";
import { event } from "./events/event.ts";
import { ipAddress } from "./networking/ipaddress.ts";
import { rbac } from "./rbac/rbac.ts";
import type { KindRules } from "./rules.ts";

const KINDS: Readonly<Record<string, Readonly<Record<string, KindRules>>>> = {
  "": {
    ConfigMap: configMap,
    Endpoints: endpoints,
    Event: coreEvent,
    Namespace: namespace,
    Node: node,
    Pod: pod,
    Secret: secret,
    Service: service,
    ServiceAccount: serviceAccount,
  },
  apps: { Deployment: deployment, ReplicaSet: replicaSet },
  autoscaling: { HorizontalPodAutoscaler: horizontalPodAutoscaler },
  "certificates.k8s.io": { ClusterTrustBundle: clusterTrustBundle },
  "coordination.k8s.io": { Lease: lease },
  "discovery.k8s.io": { EndpointSlice: endpointSlice },
  "events.k8s.io": { Event: event },
  "networking.k8s.io": { IPAddress: ipAddress },
  "rbac.authorization.k8s.io": { ClusterRole: rbac, ClusterRoleBinding: rbac, Role: rbac, RoleBinding: rbac },
};

/** The hooks of a kind; what none of them says, its row does. */
export function rulesOf(info: ResourceInfo): KindRules {
  const kinds = Object.hasOwn(KINDS, info.group) ? KINDS[info.group] : undefined;
  const own = kinds !== undefined && Object.hasOwn(kinds, info.kind) ? kinds[info.kind] : undefined;
  return own?.status === undefined ? { ...rulesOfRow(info), ...own } : own;
}

function rulesOfRow(info: ResourceInfo): KindRules {
  const hasStatus = info.subresources.some(({ name }) => name === "status");
  return {
    ...(info.generation ? { generation: true } : {}),
    ...(hasStatus
      ? { status: "empty", prepareCreate: (object) => ({ ...object, status: zeroOfField(info, "status") }) }
      : {}),
  };
}
