/** Roles and bindings of a fresh control plane, as kube-apiserver 1.37.1 makes them. */

/** As `CLUSTER_ROLES`; the name with its namespace. */
export const ROLES = `
kube-public/system:controller:bootstrap-signer
  get,list,watch core configmaps
  update core configmaps cluster-info
  create,patch,update core,events.k8s.io events
kube-system/extension-apiserver-authentication-reader
  get,list,watch core configmaps extension-apiserver-authentication
kube-system/system::leader-locking-kube-controller-manager
  create,get,list,update,watch coordination.k8s.io leases
  create,get,list,update,watch coordination.k8s.io leasecandidates
kube-system/system::leader-locking-kube-scheduler
  create,get,list,update,watch coordination.k8s.io leases
  create,get,list,update,watch coordination.k8s.io leasecandidates
kube-system/system:controller:bootstrap-signer
  get,list,watch core secrets
kube-system/system:controller:cloud-provider
  create,get,list,watch core configmaps
kube-system/system:controller:token-cleaner
  delete,get,list,watch core secrets
  create,patch,update core,events.k8s.io events
`;

/**
 *     NAME ROLE SUBJECT…
 *
 * The role `=` is that of the same name. A subject is `user=NAME`, `group=NAME`, `sa=NAMESPACE/NAME`, or `@`: the ServiceAccount of
 * kube-system that is named as the binding behind its last colon.
 */
export const CLUSTER_ROLE_BINDINGS = `
cluster-admin = group=system:masters
system:basic-user = group=system:authenticated
system:cluster-trust-bundle-discovery = group=system:serviceaccounts
system:controller:attachdetach-controller = @
system:controller:certificate-controller = @
system:controller:clusterrole-aggregation-controller = @
system:controller:cronjob-controller = @
system:controller:daemon-set-controller = @
system:controller:deployment-controller = @
system:controller:device-taint-eviction-controller = @
system:controller:disruption-controller = @
system:controller:endpoint-controller = @
system:controller:endpointslice-controller = @
system:controller:endpointslicemirroring-controller = @
system:controller:ephemeral-volume-controller = @
system:controller:expand-controller = @
system:controller:generic-garbage-collector = @
system:controller:horizontal-pod-autoscaler = @
system:controller:job-controller = @
system:controller:kube-apiserver-serving-clustertrustbundle-publisher = @
system:controller:legacy-service-account-token-cleaner = @
system:controller:namespace-controller = @
system:controller:node-controller = @
system:controller:persistent-volume-binder = @
system:controller:pod-garbage-collector = @
system:controller:podcertificaterequestcleaner = @
system:controller:pv-protection-controller = @
system:controller:pvc-protection-controller = @
system:controller:replicaset-controller = @
system:controller:replication-controller = @
system:controller:resource-claim-controller = @
system:controller:resourcequota-controller = @
system:controller:root-ca-cert-publisher = @
system:controller:route-controller = @
system:controller:selinux-warning-controller = @
system:controller:service-account-controller = @
system:controller:service-cidrs-controller = @
system:controller:service-controller = @
system:controller:statefulset-controller = @
system:controller:storage-version-migrator-controller = @
system:controller:ttl-after-finished-controller = @
system:controller:ttl-controller = @
system:controller:validatingadmissionpolicy-status-controller = @
system:controller:volumeattributesclass-protection-controller = @
system:discovery = group=system:authenticated
system:kube-controller-manager = user=system:kube-controller-manager
system:kube-dns = @
system:kube-scheduler = user=system:kube-scheduler
system:monitoring = group=system:monitoring
system:node =
system:node-proxier = user=system:kube-proxy
system:public-info-viewer = group=system:authenticated group=system:unauthenticated
system:service-account-issuer-discovery = group=system:serviceaccounts
system:volume-scheduler = user=system:kube-scheduler
`;

/** As `CLUSTER_ROLE_BINDINGS`, of roles; the name with its namespace. */
export const ROLE_BINDINGS = `
kube-public/system:controller:bootstrap-signer = @
kube-system/system::extension-apiserver-authentication-reader extension-apiserver-authentication-reader user=system:kube-controller-manager user=system:kube-scheduler
kube-system/system::leader-locking-kube-controller-manager = user=system:kube-controller-manager sa=kube-system/kube-controller-manager sa=kube-system/leader-election-controller
kube-system/system::leader-locking-kube-scheduler = user=system:kube-scheduler sa=kube-system/kube-scheduler
kube-system/system:controller:bootstrap-signer = @
kube-system/system:controller:cloud-provider = @
kube-system/system:controller:token-cleaner = @
`;
