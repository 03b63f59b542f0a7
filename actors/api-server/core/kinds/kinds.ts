/** The rules of the built-in kinds, by group and kind. A kind that is not here has none of its own. */
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { zeroOfField } from "../machinery/decode-object.ts";
import { customResourceDefinitionRules } from "./apiextensions/customresourcedefinition.ts";
import { deploymentRules } from "./apps/deployment.ts";
import { replicaSetRules } from "./apps/replicaset.ts";
import { selfSubjectReviewRules, tokenReviewRules } from "./authentication/reviews.ts";
import {
  localSubjectAccessReviewRules,
  selfSubjectAccessReviewRules,
  selfSubjectRulesReviewRules,
  subjectAccessReviewRules,
} from "./authorization/reviews.ts";
import { horizontalPodAutoscalerRules } from "./autoscaling/horizontalpodautoscaler.ts";
import { clusterTrustBundleRules } from "./certificates/clustertrustbundle.ts";
import { leaseRules } from "./coordination/lease.ts";
import { configMapRules } from "./core/configmap.ts";
import { endpointsRules } from "./core/endpoints.ts";
import { coreEventRules } from "./core/event.ts";
import { namespaceRules } from "./core/namespace.ts";
import { nodeRules } from "./core/node.ts";
import { podRules } from "./core/pod.ts";
import { secretRules } from "./core/secret.ts";
import { serviceRules } from "./core/service.ts";
import { serviceAccountRules } from "./core/serviceaccount.ts";
import { endpointSliceRules } from "./discovery/endpointslice.ts";
import { eventRules } from "./events/event.ts";
import { ipAddressRules } from "./networking/ipaddress.ts";
import { rbacRules } from "./rbac/rbac.ts";
import type { KindRules } from "./rules.ts";

const KINDS: Readonly<Record<string, Readonly<Record<string, KindRules>>>> = {
  "": {
    ConfigMap: configMapRules,
    Endpoints: endpointsRules,
    Event: coreEventRules,
    Namespace: namespaceRules,
    Node: nodeRules,
    Pod: podRules,
    Secret: secretRules,
    Service: serviceRules,
    ServiceAccount: serviceAccountRules,
  },
  "apiextensions.k8s.io": { CustomResourceDefinition: customResourceDefinitionRules },
  apps: { Deployment: deploymentRules, ReplicaSet: replicaSetRules },
  autoscaling: { HorizontalPodAutoscaler: horizontalPodAutoscalerRules },
  "authentication.k8s.io": { SelfSubjectReview: selfSubjectReviewRules, TokenReview: tokenReviewRules },
  "authorization.k8s.io": {
    LocalSubjectAccessReview: localSubjectAccessReviewRules,
    SelfSubjectAccessReview: selfSubjectAccessReviewRules,
    SelfSubjectRulesReview: selfSubjectRulesReviewRules,
    SubjectAccessReview: subjectAccessReviewRules,
  },
  "certificates.k8s.io": { ClusterTrustBundle: clusterTrustBundleRules },
  "coordination.k8s.io": { Lease: leaseRules },
  "discovery.k8s.io": { EndpointSlice: endpointSliceRules },
  "events.k8s.io": { Event: eventRules },
  "networking.k8s.io": { IPAddress: ipAddressRules },
  "rbac.authorization.k8s.io": {
    ClusterRole: rbacRules,
    ClusterRoleBinding: rbacRules,
    Role: rbacRules,
    RoleBinding: rbacRules,
  },
};

/** Kinds without hooks that somebody acts on, or that are there for others to read. */
const HEEDED: Readonly<Record<string, readonly string[]>> = {
  "": ["Binding", "PodTemplate"],
  apps: ["ControllerRevision"],
  "node.k8s.io": ["RuntimeClass"],
  "scheduling.k8s.io": ["PriorityClass"],
};
/** Kinds with hooks that nobody acts on yet. */
const UNHEEDED: readonly KindRules[] = [
  clusterTrustBundleRules,
  horizontalPodAutoscalerRules,
  ipAddressRules,
  rbacRules,
];

/** The hooks of a kind; what none of them says, its row does. */
export function rulesOf(info: ResourceInfo): KindRules {
  const kinds = Object.hasOwn(KINDS, info.group) ? KINDS[info.group] : undefined;
  const own = kinds !== undefined && Object.hasOwn(kinds, info.kind) ? kinds[info.kind] : undefined;
  if (own?.status !== undefined) return own;
  const heeded = own === undefined ? HEEDED[info.group]?.includes(info.kind) === true : !UNHEEDED.includes(own);
  return { ...rulesOfRow(info), ...(heeded ? {} : { warnings: () => [unheeded(info)] }), ...own };
}

function unheeded({ kind }: ResourceInfo): string {
  return `${kind} is stored, but not honoured by inkube: nothing acts on it yet`;
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
