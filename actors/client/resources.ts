/** Typed rows for the resources that inkube's own actors read and write. */
import type { GroupVersionResource, KubernetesObject } from "../../protocols/api-server.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from "../../protocols/kubernetes/types/apps-v1.ts";
import type { HorizontalPodAutoscaler } from "../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { PodMetrics } from "../../protocols/kubernetes/types/metrics-v1beta1.ts";
import type { CronJob, Job } from "../../protocols/kubernetes/types/batch-v1.ts";
import type { SubjectAccessReview } from "../../protocols/kubernetes/types/authorization-v1.ts";
import type { CertificateSigningRequest } from "../../protocols/kubernetes/types/certificates-v1.ts";
import type { Lease } from "../../protocols/kubernetes/types/coordination-v1.ts";
import type {
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from "../../protocols/kubernetes/types/core-v1.ts";
import type { PodDisruptionBudget } from "../../protocols/kubernetes/types/policy-v1.ts";
import type { ClusterRole } from "../../protocols/kubernetes/types/rbac-v1.ts";
import type { CSINode, StorageClass } from "../../protocols/kubernetes/types/storage-v1.ts";
import type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";

export interface Resource<T extends KubernetesObject = KubernetesObject> extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never set: it only carries the object's type. */
  readonly type?: T;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: GroupVersionResource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

export const pods: Resource<Pod> = { group: "", version: "v1", resource: "pods", kind: "Pod", namespaced: true };
export const nodes: Resource<Node> = { group: "", version: "v1", resource: "nodes", kind: "Node", namespaced: false };
export const namespaces: Resource<Namespace> = {
  group: "",
  version: "v1",
  resource: "namespaces",
  kind: "Namespace",
  namespaced: false,
};
export const services: Resource<Service> = {
  group: "",
  version: "v1",
  resource: "services",
  kind: "Service",
  namespaced: true,
};
export const endpoints: Resource<Endpoints> = {
  group: "",
  version: "v1",
  resource: "endpoints",
  kind: "Endpoints",
  namespaced: true,
};
export const configMaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  resource: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};
export const secrets: Resource<Secret> = {
  group: "",
  version: "v1",
  resource: "secrets",
  kind: "Secret",
  namespaced: true,
};
export const serviceAccounts: Resource<ServiceAccount> = {
  group: "",
  version: "v1",
  resource: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};
export const persistentVolumes: Resource<PersistentVolume> = {
  group: "",
  version: "v1",
  resource: "persistentvolumes",
  kind: "PersistentVolume",
  namespaced: false,
};
export const persistentVolumeClaims: Resource<PersistentVolumeClaim> = {
  group: "",
  version: "v1",
  resource: "persistentvolumeclaims",
  kind: "PersistentVolumeClaim",
  namespaced: true,
};
export const storageClasses: Resource<StorageClass> = {
  group: "storage.k8s.io",
  version: "v1",
  resource: "storageclasses",
  kind: "StorageClass",
  namespaced: false,
};
export const csiNodes: Resource<CSINode> = {
  group: "storage.k8s.io",
  version: "v1",
  resource: "csinodes",
  kind: "CSINode",
  namespaced: false,
};
export const replicationControllers: Resource<ReplicationController> = {
  group: "",
  version: "v1",
  resource: "replicationcontrollers",
  kind: "ReplicationController",
  namespaced: true,
};
export const resourceQuotas: Resource<ResourceQuota> = {
  group: "",
  version: "v1",
  resource: "resourcequotas",
  kind: "ResourceQuota",
  namespaced: true,
};
export const clusterRoles: Resource<ClusterRole> = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "clusterroles",
  kind: "ClusterRole",
  namespaced: false,
};
export const events: Resource<Event> = {
  group: "",
  version: "v1",
  resource: "events",
  kind: "Event",
  namespaced: true,
};
export const deployments: Resource<Deployment> = {
  group: "apps",
  version: "v1",
  resource: "deployments",
  kind: "Deployment",
  namespaced: true,
};
export const jobs: Resource<Job> = { group: "batch", version: "v1", resource: "jobs", kind: "Job", namespaced: true };
export const cronJobs: Resource<CronJob> = {
  group: "batch",
  version: "v1",
  resource: "cronjobs",
  kind: "CronJob",
  namespaced: true,
};
export const podDisruptionBudgets: Resource<PodDisruptionBudget> = {
  group: "policy",
  version: "v1",
  resource: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
  namespaced: true,
};
export const horizontalPodAutoscalers: Resource<HorizontalPodAutoscaler> = {
  group: "autoscaling",
  version: "v2",
  resource: "horizontalpodautoscalers",
  kind: "HorizontalPodAutoscaler",
  namespaced: true,
};
export const podMetrics: Resource<PodMetrics> = {
  group: "metrics.k8s.io",
  version: "v1beta1",
  resource: "pods",
  kind: "PodMetrics",
  namespaced: true,
};
export const replicaSets: Resource<ReplicaSet> = {
  group: "apps",
  version: "v1",
  resource: "replicasets",
  kind: "ReplicaSet",
  namespaced: true,
};
export const statefulSets: Resource<StatefulSet> = {
  group: "apps",
  version: "v1",
  resource: "statefulsets",
  kind: "StatefulSet",
  namespaced: true,
};
export const daemonSets: Resource<DaemonSet> = {
  group: "apps",
  version: "v1",
  resource: "daemonsets",
  kind: "DaemonSet",
  namespaced: true,
};
export const controllerRevisions: Resource<ControllerRevision> = {
  group: "apps",
  version: "v1",
  resource: "controllerrevisions",
  kind: "ControllerRevision",
  namespaced: true,
};
export const endpointSlices: Resource<EndpointSlice> = {
  group: "discovery.k8s.io",
  version: "v1",
  resource: "endpointslices",
  kind: "EndpointSlice",
  namespaced: true,
};
export const leases: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  resource: "leases",
  kind: "Lease",
  namespaced: true,
};
export const certificateSigningRequests: Resource<CertificateSigningRequest> = {
  group: "certificates.k8s.io",
  version: "v1",
  resource: "certificatesigningrequests",
  kind: "CertificateSigningRequest",
  namespaced: false,
};
export const subjectAccessReviews: Resource<SubjectAccessReview> = {
  group: "authorization.k8s.io",
  version: "v1",
  resource: "subjectaccessreviews",
  kind: "SubjectAccessReview",
  namespaced: false,
};
