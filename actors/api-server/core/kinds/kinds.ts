/** The rules of the built-in kinds, by group and kind. A kind that is not here has none of its own. */
import { deployment } from "./apps/deployment.ts";
import { replicaSet } from "./apps/replicaset.ts";
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
  "coordination.k8s.io": { Lease: lease },
  "discovery.k8s.io": { EndpointSlice: endpointSlice },
  "events.k8s.io": { Event: event },
};

const PLAIN: KindRules = {};

export function rulesOf(group: string, kind: string): KindRules {
  const kinds = Object.hasOwn(KINDS, group) ? KINDS[group] : undefined;
  return kinds !== undefined && Object.hasOwn(kinds, kind) ? (kinds[kind] ?? PLAIN) : PLAIN;
}
