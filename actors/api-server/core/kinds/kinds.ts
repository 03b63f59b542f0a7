/** The rules of the built-in kinds, by group and kind. A kind that is not here has none of its own. */
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { zeroOfField } from "../machinery/decode-object.ts";
import { customResourceDefinitionRules } from "./apiextensions/customresourcedefinition.ts";
import { mutatingAdmissionPolicyRules } from "./admissionregistration/mutatingadmissionpolicy.ts";
import { mutatingAdmissionPolicyBindingRules } from "./admissionregistration/mutatingadmissionpolicybinding.ts";
import { mutatingWebhookConfigurationRules } from "./admissionregistration/mutatingwebhookconfiguration.ts";
import { validatingAdmissionPolicyRules } from "./admissionregistration/validatingadmissionpolicy.ts";
import { validatingAdmissionPolicyBindingRules } from "./admissionregistration/validatingadmissionpolicybinding.ts";
import { validatingWebhookConfigurationRules } from "./admissionregistration/validatingwebhookconfiguration.ts";
import { apiServiceRules } from "./apiregistration/apiservice.ts";
import { controllerRevisionRules } from "./apps/controllerrevision.ts";
import { daemonSetRules } from "./apps/daemonset.ts";
import { deploymentRules } from "./apps/deployment.ts";
import { replicaSetRules } from "./apps/replicaset.ts";
import { statefulSetRules } from "./apps/statefulset.ts";
import { selfSubjectReviewRules, tokenReviewRules } from "./authentication/reviews.ts";
import {
  localSubjectAccessReviewRules,
  selfSubjectAccessReviewRules,
  selfSubjectRulesReviewRules,
  subjectAccessReviewRules,
} from "./authorization/reviews.ts";
import { horizontalPodAutoscalerRules } from "./autoscaling/horizontalpodautoscaler.ts";
import { cronJobRules } from "./batch/cronjob.ts";
import { jobRules } from "./batch/job.ts";
import { certificateSigningRequestRules } from "./certificates/certificatesigningrequest.ts";
import { clusterTrustBundleRules } from "./certificates/clustertrustbundle.ts";
import { leaseRules } from "./coordination/lease.ts";
import { componentStatusRules } from "./core/componentstatus.ts";
import { configMapRules } from "./core/configmap.ts";
import { endpointsRules } from "./core/endpoints.ts";
import { coreEventRules } from "./core/event.ts";
import { limitRangeRules } from "./core/limitrange.ts";
import { namespaceRules } from "./core/namespace.ts";
import { nodeRules } from "./core/node.ts";
import { persistentVolumeRules } from "./core/persistentvolume.ts";
import { persistentVolumeClaimRules } from "./core/persistentvolumeclaim.ts";
import { podRules } from "./core/pod.ts";
import { podTemplateRules } from "./core/podtemplate.ts";
import { replicationControllerRules } from "./core/replicationcontroller.ts";
import { resourceQuotaRules } from "./core/resourcequota.ts";
import { secretRules } from "./core/secret.ts";
import { serviceRules } from "./core/service.ts";
import { serviceAccountRules } from "./core/serviceaccount.ts";
import { endpointSliceRules } from "./discovery/endpointslice.ts";
import { eventRules } from "./events/event.ts";
import { flowSchemaRules } from "./flowcontrol/flowschema.ts";
import { priorityLevelConfigurationRules } from "./flowcontrol/prioritylevelconfiguration.ts";
import { nodeMetricsRules, podMetricsRules } from "./metrics/usage.ts";
import { ingressRules } from "./networking/ingress.ts";
import { ingressClassRules } from "./networking/ingressclass.ts";
import { ipAddressRules } from "./networking/ipaddress.ts";
import { networkPolicyRules } from "./networking/networkpolicy.ts";
import { serviceCidrRules } from "./networking/servicecidr.ts";
import { clusterRoleRules } from "./rbac/clusterrole.ts";
import { clusterRoleBindingRules } from "./rbac/clusterrolebinding.ts";
import { roleRules } from "./rbac/role.ts";
import { roleBindingRules } from "./rbac/rolebinding.ts";
import { podDisruptionBudgetRules } from "./policy/poddisruptionbudget.ts";
import { deviceClassRules } from "./resource/deviceclass.ts";
import { deviceTaintRuleRules } from "./resource/devicetaintrule.ts";
import { resourceClaimRules } from "./resource/resourceclaim.ts";
import { resourceClaimTemplateRules } from "./resource/resourceclaimtemplate.ts";
import { resourceSliceRules } from "./resource/resourceslice.ts";
import { storageVersionMigrationRules } from "./storagemigration/storageversionmigration.ts";
import { podCertificateRequestRules } from "./certificates/podcertificaterequest.ts";
import type { KindRules } from "./rules.ts";
import { runtimeClassRules } from "./node/runtimeclass.ts";
import { priorityClassRules } from "./scheduling/priorityclass.ts";
import { csiDriverRules } from "./storage/csidriver.ts";
import { csiNodeRules } from "./storage/csinode.ts";
import { csiStorageCapacityRules } from "./storage/csistoragecapacity.ts";
import { storageClassRules } from "./storage/storageclass.ts";
import { volumeAttachmentRules } from "./storage/volumeattachment.ts";
import { volumeAttributesClassRules } from "./storage/volumeattributesclass.ts";

const KINDS: Readonly<Record<string, Readonly<Record<string, KindRules>>>> = {
  "": {
    ComponentStatus: componentStatusRules,
    ConfigMap: configMapRules,
    Endpoints: endpointsRules,
    Event: coreEventRules,
    LimitRange: limitRangeRules,
    Namespace: namespaceRules,
    Node: nodeRules,
    PersistentVolume: persistentVolumeRules,
    PersistentVolumeClaim: persistentVolumeClaimRules,
    Pod: podRules,
    PodTemplate: podTemplateRules,
    ReplicationController: replicationControllerRules,
    ResourceQuota: resourceQuotaRules,
    Secret: secretRules,
    Service: serviceRules,
    ServiceAccount: serviceAccountRules,
  },
  "admissionregistration.k8s.io": {
    MutatingAdmissionPolicy: mutatingAdmissionPolicyRules,
    MutatingAdmissionPolicyBinding: mutatingAdmissionPolicyBindingRules,
    MutatingWebhookConfiguration: mutatingWebhookConfigurationRules,
    ValidatingAdmissionPolicy: validatingAdmissionPolicyRules,
    ValidatingAdmissionPolicyBinding: validatingAdmissionPolicyBindingRules,
    ValidatingWebhookConfiguration: validatingWebhookConfigurationRules,
  },
  "apiextensions.k8s.io": { CustomResourceDefinition: customResourceDefinitionRules },
  "apiregistration.k8s.io": { APIService: apiServiceRules },
  apps: {
    ControllerRevision: controllerRevisionRules,
    DaemonSet: daemonSetRules,
    Deployment: deploymentRules,
    ReplicaSet: replicaSetRules,
    StatefulSet: statefulSetRules,
  },
  autoscaling: { HorizontalPodAutoscaler: horizontalPodAutoscalerRules },
  "authentication.k8s.io": { SelfSubjectReview: selfSubjectReviewRules, TokenReview: tokenReviewRules },
  "authorization.k8s.io": {
    LocalSubjectAccessReview: localSubjectAccessReviewRules,
    SelfSubjectAccessReview: selfSubjectAccessReviewRules,
    SelfSubjectRulesReview: selfSubjectRulesReviewRules,
    SubjectAccessReview: subjectAccessReviewRules,
  },
  batch: { CronJob: cronJobRules, Job: jobRules },
  "certificates.k8s.io": {
    CertificateSigningRequest: certificateSigningRequestRules,
    ClusterTrustBundle: clusterTrustBundleRules,
    PodCertificateRequest: podCertificateRequestRules,
  },
  "coordination.k8s.io": { Lease: leaseRules },
  "discovery.k8s.io": { EndpointSlice: endpointSliceRules },
  "events.k8s.io": { Event: eventRules },
  "flowcontrol.apiserver.k8s.io": {
    FlowSchema: flowSchemaRules,
    PriorityLevelConfiguration: priorityLevelConfigurationRules,
  },
  "metrics.k8s.io": { NodeMetrics: nodeMetricsRules, PodMetrics: podMetricsRules },
  "networking.k8s.io": {
    Ingress: ingressRules,
    IngressClass: ingressClassRules,
    IPAddress: ipAddressRules,
    NetworkPolicy: networkPolicyRules,
    ServiceCIDR: serviceCidrRules,
  },
  policy: { PodDisruptionBudget: podDisruptionBudgetRules },
  "rbac.authorization.k8s.io": {
    ClusterRole: clusterRoleRules,
    ClusterRoleBinding: clusterRoleBindingRules,
    Role: roleRules,
    RoleBinding: roleBindingRules,
  },
  "node.k8s.io": { RuntimeClass: runtimeClassRules },
  "resource.k8s.io": {
    DeviceClass: deviceClassRules,
    DeviceTaintRule: deviceTaintRuleRules,
    ResourceClaim: resourceClaimRules,
    ResourceClaimTemplate: resourceClaimTemplateRules,
    ResourceSlice: resourceSliceRules,
  },
  "scheduling.k8s.io": { PriorityClass: priorityClassRules },
  "storage.k8s.io": {
    CSIDriver: csiDriverRules,
    CSINode: csiNodeRules,
    CSIStorageCapacity: csiStorageCapacityRules,
    StorageClass: storageClassRules,
    VolumeAttachment: volumeAttachmentRules,
    VolumeAttributesClass: volumeAttributesClassRules,
  },
  "storagemigration.k8s.io": { StorageVersionMigration: storageVersionMigrationRules },
};

/** Kinds without hooks that somebody acts on, or that are there for others to read. */
const HEEDED: Readonly<Record<string, readonly string[]>> = {
  "": ["Binding"],
};
/** Kinds with hooks that nobody acts on yet. */
const UNHEEDED: readonly KindRules[] = [
  mutatingAdmissionPolicyBindingRules,
  mutatingAdmissionPolicyRules,
  certificateSigningRequestRules,
  clusterRoleBindingRules,
  clusterRoleRules,
  clusterTrustBundleRules,
  csiDriverRules,
  csiNodeRules,
  csiStorageCapacityRules,
  flowSchemaRules,
  ingressClassRules,
  ingressRules,
  ipAddressRules,
  mutatingWebhookConfigurationRules,
  networkPolicyRules,
  priorityLevelConfigurationRules,
  resourceClaimRules,
  resourceClaimTemplateRules,
  resourceSliceRules,
  deviceClassRules,
  deviceTaintRuleRules,
  podCertificateRequestRules,
  storageVersionMigrationRules,
  validatingAdmissionPolicyBindingRules,
  validatingAdmissionPolicyRules,
  roleBindingRules,
  roleRules,
  serviceCidrRules,
  validatingWebhookConfigurationRules,
  volumeAttachmentRules,
  volumeAttributesClassRules,
];

/** The hooks of a kind; what none of them says, its row does. */
export function rulesOf(info: ResourceInfo): KindRules {
  const kinds = Object.hasOwn(KINDS, info.group) ? KINDS[info.group] : undefined;
  const own = kinds !== undefined && Object.hasOwn(kinds, info.kind) ? kinds[info.kind] : undefined;
  if (own?.status !== undefined) return own;
  const heeded = own === undefined ? HEEDED[info.group]?.includes(info.kind) === true : !UNHEEDED.includes(own);
  const rules = withOwn(rulesOfRow(info), own ?? {});
  if (heeded) return rules;
  return { ...rules, warnings: (object) => [...(own?.warnings?.(object) ?? []), unheeded(info)] };
}

/** What a kind makes of an object, it makes of what its row has made of it. */
function withOwn(row: KindRules, own: KindRules): KindRules {
  const { prepareCreate: first } = row;
  const { prepareCreate: then } = own;
  if (first === undefined || then === undefined) return { ...row, ...own };
  return { ...row, ...own, prepareCreate: (object, admission) => then(first(object, admission), admission) };
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
