/** The APIServices of a fresh control plane: version, priority of the group, priority of the version in it. Source: kube-apiserver 1.37.1. */
export const API_SERVICES = `
v1 18000 1
admissionregistration.k8s.io/v1 16700 15
apiextensions.k8s.io/v1 16700 15
apps/v1 17800 15
authentication.k8s.io/v1 17700 15
authorization.k8s.io/v1 17600 15
autoscaling/v1 17500 15
batch/v1 17400 15
certificates.k8s.io/v1 17300 15
coordination.k8s.io/v1 16500 15
discovery.k8s.io/v1 16200 15
events.k8s.io/v1 17750 15
flowcontrol.apiserver.k8s.io/v1 16100 21
networking.k8s.io/v1 17200 15
node.k8s.io/v1 16300 15
policy/v1 17100 15
rbac.authorization.k8s.io/v1 17000 15
resource.k8s.io/v1 16200 21
scheduling.k8s.io/v1 16600 15
storage.k8s.io/v1 16800 15
storagemigration.k8s.io/v1 15800 15
autoscaling/v2 17500 30
`;

/** As metrics-server's manifests have it. */
export const METRICS_API_SERVICES = `metrics.k8s.io/v1beta1 100 100
`;
