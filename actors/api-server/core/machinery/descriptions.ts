/**
 * What `kubectl explain` says of the kinds that people use most, and of their fields: a line each, in words of our own. A type is
 * named as in OpenAPI, without what comes before its group; a field that is not here has no description, nor has a type.
 */
const TEXT = `
apis.meta.v1.ObjectMeta What every object has besides what its kind says: its name, its owners, its labels.
.annotations Notes of tools and people, by key. Nothing selects by them.
.creationTimestamp When the server made the object. Set by the server.
.deletionGracePeriodSeconds Seconds that the object may still live. Set by the server once the object is deleted.
.deletionTimestamp When the object is to be gone at the latest. Set by the server once the object is deleted; finalizers can hold it longer.
.finalizers Who has something left to do before the object goes. It is gone when the list is empty.
.generateName The beginning of a name, to which the server adds five characters. Counts where no name is given.
.generation How often what is wanted has changed. Set by the server.
.labels Keys and values by which objects are selected and grouped.
.managedFields Who manages which fields, for server-side apply. Set by the server.
.name The object's name, which no other of its kind has in its namespace. It can't be changed.
.namespace Where the object is. It can't be changed; objects of the whole cluster have none.
.ownerReferences Objects that this one belongs to. When all of them are gone, it goes too.
.resourceVersion Which state of the object this is. Sent with an update, it refuses the update when the object has changed since.
.selfLink No longer used.
.uid An identity that no other object ever has. Set by the server.
apis.meta.v1.OwnerReference An owner in the same namespace, or of the whole cluster.
.apiVersion Group and version of the owner.
.blockOwnerDeletion Whether an owner that is deleted in the foreground waits for this object.
.controller Whether the owner is the one that controls the object. One at most is.
.kind Kind of the owner.
.name Name of the owner.
.uid UID of the owner, so that another one of the same name is none.
apis.meta.v1.LabelSelector Selects objects by their labels. All of its requirements must hold; an empty one selects everything.
.matchExpressions Requirements that are more than equality.
.matchLabels Labels that must be there with just these values.
apis.meta.v1.LabelSelectorRequirement One requirement of a selector.
.key Key of the label.
.operator In, NotIn, Exists or DoesNotExist.
.values Values for In and NotIn; empty for the others.
apis.meta.v1.ListMeta What every list has besides its items.
.continue Sent with the next request, it goes on where this list ends.
.remainingItemCount How many items are left, where that is known.
.resourceVersion The state of the cluster that the list shows. A watch goes on from here.
apis.meta.v1.Condition One aspect of an object's state.
.lastTransitionTime When its status last changed.
.message What people should know of it.
.observedGeneration The generation that it was found at.
.reason One word of why it is so.
.status True, False or Unknown.
.type What it is about.
api.core.v1.Pod Containers that run together on one node and share an address and volumes.
.metadata Its name, owners and labels.
.spec What is to run.
.status What is known of how it runs. Written by the kubelet, read by everybody.
api.core.v1.PodSpec What a pod is to run, and where.
.activeDeadlineSeconds Seconds after its start at which the pod is ended and has failed.
.affinity Which nodes, and the neighbourhood of which pods, it prefers, needs or avoids.
.automountServiceAccountToken Whether its containers get the credentials of its account. They do unless this says no.
.containers What runs: one container at least. The list can't change.
.dnsConfig Name servers, search domains and options besides those of the policy.
.dnsPolicy How names are resolved.
.enableServiceLinks Whether containers have the addresses of Services in their environment.
.ephemeralContainers Containers that were added to look at a running pod. They are written through a subresource only.
.hostAliases Further lines for the pod's hosts file.
.hostIPC Whether it shares the node's IPC.
.hostNetwork Whether it has the node's own network.
.hostPID Whether it shares the node's process ids.
.hostUsers Whether it has the node's users.
.evictionResponders Who is asked before the pod is evicted.
.hostname Its name for itself. The pod's name when left out.
.hostnameOverride Its name for itself, whatever the other fields say.
.imagePullSecrets Secrets with credentials for the registries of its images.
.initContainers Containers that run to their end, one after the other, before the others start. With restartPolicy Always one is a sidecar and stays.
.nodeName The node that it runs on. Set by the scheduler.
.nodeSelector Labels that its node must have.
.os The operating system that it is for.
.overhead What running it costs besides, by its runtime class.
.preemptionPolicy Whether others may be ended to make room for it.
.priority Its priority as a number. Set from its class.
.priorityClassName Which PriorityClass it is of.
.readinessGates Conditions besides its containers' that must be True for the pod to be ready.
.resourceClaims Devices that its containers use.
.resources What the pod as a whole asks for and may use.
.restartPolicy Whether containers that end are started again: Always, OnFailure or Never.
.runtimeClassName Which RuntimeClass runs it.
.schedulerName Who chooses its node.
.schedulingGroup The pods that it is scheduled with, together or not at all.
.schedulingGates While one is there, no node is chosen.
.securityContext Users, groups and rights of all of its containers.
.serviceAccount Older name of serviceAccountName.
.serviceAccountName Whose rights it has at the API. "default" when left out.
.setHostnameAsFQDN Whether its hostname is the full name.
.shareProcessNamespace Whether its containers see each other's processes.
.subdomain With a headless Service of this name, the pod has a name in DNS.
.terminationGracePeriodSeconds Seconds from the wish to end to being killed. 30 when left out.
.tolerations Taints of nodes that it bears.
.topologySpreadConstraints How evenly it and its like are spread.
.volumes What its containers can mount.
api.core.v1.PodStatus How a pod is doing.
.conditions Whether it is scheduled, initialized, ready, and what else somebody says of it.
.containerStatuses How each container is doing.
.ephemeralContainerStatuses How each ephemeral container is doing.
.hostIP Address of its node.
.hostIPs Addresses of its node.
.initContainerStatuses How each init container is doing.
.message Why it is in its phase, for people.
.nominatedNodeName Where room is being made for it.
.observedGeneration The generation that the kubelet speaks of.
.phase Pending, Running, Succeeded, Failed or Unknown: a summary, not more.
.podIP Its address. Empty while it has none.
.podIPs Its addresses.
.qosClass How much it is promised: Guaranteed, Burstable or BestEffort.
.reason One word of why it is in its phase.
.startTime When the kubelet took it up.
api.core.v1.PodTemplateSpec What pods that a controller makes look like.
.metadata Labels and annotations of the pods.
.spec What they run.
api.core.v1.Container One program of a pod.
.args What the command is given. The image's own when left out.
.command What is run instead of the image's entry point.
.env Variables of its environment.
.envFrom ConfigMaps and Secrets all of whose keys are variables.
.image The image that it runs.
.imagePullPolicy When the image is pulled: Always, IfNotPresent or Never.
.lifecycle What is done after its start and before its end.
.livenessProbe When this fails, it is started again.
.name Its name, a DNS label. It can't be changed.
.ports Ports that it listens on. For readers and for names; others are open as well.
.readinessProbe While this fails, no Service sends it anything.
.resizePolicy Whether it is started again when its resources change.
.resources What it asks for and may use.
.restartPolicy Whether it is started again when it ends; by default as the pod says.
.restartPolicyRules Exceptions to that, by exit codes.
.securityContext Its user, groups and rights.
.startupProbe Until this succeeds, the other probes wait; when it fails for good, the container is started again.
.stdin Whether it has an input.
.stdinOnce Whether its input is closed when the first who attaches goes.
.terminationMessagePath Where it writes its last words.
.terminationMessagePolicy Whether its last lines of log stand for last words that it has not written.
.tty Whether it has a terminal.
.volumeDevices Block devices that it uses.
.volumeMounts Where it finds the pod's volumes.
.workingDir Where it is started.
api.core.v1.ContainerPort A port that a container listens on.
.containerPort Its number.
.hostIP Address of the node to open it on.
.hostPort Number on the node.
.name A name that Services and probes can use.
.protocol TCP, UDP or SCTP.
api.core.v1.EnvVar A variable.
.name Its name.
.value Its value. $(NAME) stands for a variable that was named before.
.valueFrom Where its value is found.
api.core.v1.EnvVarSource Where a value is found.
.configMapKeyRef A key of a ConfigMap.
.fieldRef A field of the pod.
.fileKeyRef A key of a file in a volume.
.resourceFieldRef An amount that a container asks for or may use.
.secretKeyRef A key of a Secret.
api.core.v1.EnvFromSource A ConfigMap or Secret whose keys are variables.
.configMapRef The ConfigMap.
.prefix What the names of the variables begin with.
.secretRef The Secret.
api.core.v1.ResourceRequirements What is asked for, and what may be used.
.claims Devices of the pod that it uses.
.limits The most that may be used.
.requests What must be free on a node. The limit when left out.
api.core.v1.VolumeMount Where a container finds a volume.
.bindMountOptions Options of the mount.
.mountPath Path in the container.
.mountPropagation Whether mounts below it are seen on either side.
.name Name of the volume.
.readOnly Whether it can't be written to.
.recursiveReadOnly Whether what is mounted below it can't be written to either.
.subPath A path inside of the volume that is mounted instead of all of it.
.subPathExpr The same, with variables.
api.core.v1.Volume Files that containers of a pod can mount. One source says what they are.
.configMap The keys of a ConfigMap as files.
.csi A volume that a driver gives to this pod only.
.downwardAPI Fields of the pod as files.
.emptyDir An empty directory that lives as long as the pod.
.ephemeral A claim that is made for the pod and goes with it.
.hostPath A path of the node.
.image The files of an image.
.name Its name, by which it is mounted.
.nfs A share of an NFS server.
.persistentVolumeClaim A volume that a claim in the same namespace holds.
.projected Several sources in one directory.
.secret The keys of a Secret as files.
api.core.v1.Probe A question that a container is asked again and again.
.exec A command that must end with 0.
.failureThreshold After how many failures in a row it counts as failed.
.grpc A gRPC health service.
.httpGet A request that must be answered with 200 to 399.
.initialDelaySeconds Seconds after the start before it is asked first.
.periodSeconds Seconds from one time to the next.
.successThreshold After how many successes in a row it counts as well again.
.tcpSocket A port that must be open.
.terminationGracePeriodSeconds Seconds that the container has when a failure ends it.
.timeoutSeconds Seconds until no answer counts as a failure.
api.core.v1.HTTPGetAction A request.
.host Name or address; the pod's own when left out.
.httpHeaders Headers that are sent.
.path Path of the request.
.port Number or name of the port.
.protocol HTTP1 or HTTP2.
.scheme HTTP or HTTPS.
api.core.v1.Lifecycle What is done at both ends of a container's life.
.postStart Right after its start. When it fails, the container is killed.
.preStop Before it is asked to end. Its time counts for the grace period.
.stopSignal The signal that asks it to end.
api.core.v1.Affinity Where a pod prefers, needs or refuses to be.
.nodeAffinity By the labels of nodes.
.podAffinity Near to which pods.
.podAntiAffinity Far from which pods.
api.core.v1.Toleration A taint that a pod bears.
.effect NoSchedule, PreferNoSchedule or NoExecute; all of them when left out.
.key Key of the taint; every taint when left out.
.operator Exists, Equal, Lt or Gt. Equal when left out.
.tolerationSeconds For NoExecute: how long the pod stays. For ever when left out.
.value Value that the taint must have.
api.core.v1.TopologySpreadConstraint How evenly pods are spread over places.
.labelSelector Which pods count.
.matchLabelKeys Labels whose values must be the pod's own for another one to count.
.maxSkew By how many pods places may differ.
.minDomains How many places there must be.
.nodeAffinityPolicy Whether nodes that the pod can't use count.
.nodeTaintsPolicy Whether nodes whose taints it does not bear count.
.topologyKey Label of nodes: nodes of one value are one place.
.whenUnsatisfiable DoNotSchedule, or ScheduleAnyway and as evenly as can be.
api.core.v1.ContainerStatus How a container is doing.
.containerID Its id at the runtime.
.image The image that it runs.
.imageID Which image that is, exactly.
.lastState How it ended the last time.
.name Its name.
.ready Whether it passes its readiness probe.
.resources What it has now.
.restartCount How often it has been started again.
.started Whether it has passed its startup probe.
.state What it does now: waiting, running or terminated.
api.core.v1.Service One name and address for pods that may change.
.metadata Its name, owners and labels.
.spec Which pods, and how they are reached.
.status What a load balancer says.
api.core.v1.ServiceSpec Which pods a Service has, and how they are reached.
.allocateLoadBalancerNodePorts Whether a LoadBalancer has node ports as well.
.clusterIP Its address. "None": it has none of its own, and its name stands for its pods. Set by the server when left out.
.clusterIPs Its addresses, the first of which is clusterIP.
.externalIPs Further addresses at which nodes take traffic for it.
.externalName The name that it stands for, when its type is ExternalName.
.externalTrafficPolicy Where traffic from outside goes: Cluster, or Local for pods of the same node.
.healthCheckNodePort Port at which nodes say whether they have a pod of it.
.internalTrafficPolicy Where traffic from inside goes: Cluster, or Local for pods of the same node.
.ipFamilies IPv4, IPv6 or both.
.ipFamilyPolicy How many families it has.
.loadBalancerClass Who is to give it a balancer.
.loadBalancerIP Address that its balancer should have. Deprecated.
.loadBalancerSourceRanges Networks from which its balancer takes traffic.
.ports The ports that it serves.
.publishNotReadyAddresses Whether pods that are not ready count as well.
.selector Labels of its pods. Without one its endpoints are made by hand.
.sessionAffinity ClientIP: a client stays at its pod. None: it does not.
.sessionAffinityConfig How long it stays there.
.trafficDistribution Which pods are preferred: near ones, for instance.
.type ClusterIP, NodePort, LoadBalancer or ExternalName.
api.core.v1.ServicePort A port of a Service.
.appProtocol What is spoken there.
.name Its name. Needed where there are several.
.nodePort The port at each node. Set by the server when left out.
.port The port of the Service.
.protocol TCP, UDP or SCTP.
.targetPort Number or name of the pods' port. The same as port when left out.
api.core.v1.ConfigMap Settings that pods read as files or variables.
.binaryData Values that are no text, in base64.
.data Values by key.
.immutable Whether the data can't be changed any more.
.metadata Its name, owners and labels.
api.core.v1.Secret As a ConfigMap, for what is not for everybody's eyes.
.data Values by key, in base64.
.immutable Whether the data can't be changed any more.
.metadata Its name, owners and labels.
.stringData Values as text, for writers. They go to data.
.type What it is for. Some types ask for certain keys.
api.core.v1.Namespace A place for names. What is in it goes with it.
.metadata Its name and labels.
.spec What holds it when it is deleted.
.status Active or Terminating.
api.core.v1.Node A machine that runs pods; here an actor.
.metadata Its name and labels, by which pods choose.
.spec Whether and for whom it takes pods.
.status What it has, and how it is doing.
api.core.v1.NodeSpec Whether and for whom a node takes pods.
.podCIDR Addresses of its pods.
.podCIDRs Addresses of its pods.
.providerID Its id at who provides it.
.taints What keeps pods away that don't bear it.
.unschedulable Whether it takes no new pods ("cordon").
api.core.v1.NodeStatus What a node has, and how it is doing.
.addresses Where it is reached.
.allocatable What pods can have of it.
.capacity What it has.
.conditions Whether it is ready, or short of something.
.daemonEndpoints The kubelet's port.
.images Images that it has.
.nodeInfo Versions of its system.
.phase No longer used.
.volumesAttached Volumes that are attached to it.
.volumesInUse Volumes that are mounted.
api.core.v1.Taint What keeps pods away that don't bear it.
.effect NoSchedule keeps new ones away, NoExecute ends those that are there, PreferNoSchedule is a wish.
.key Its key.
.timeAdded When it was added.
.value Its value.
api.core.v1.ServiceAccount Who a pod is for the API.
.automountServiceAccountToken Whether its pods get its credentials, unless they say otherwise.
.imagePullSecrets Secrets for the registries of its pods' images.
.metadata Its name, owners and labels.
.secrets Secrets that it knows. No longer needed for credentials.
api.core.v1.PersistentVolumeClaim A wish for storage.
.metadata Its name, owners and labels.
.spec How much, and of which kind.
.status Which volume it has, and how much of it.
api.core.v1.PersistentVolumeClaimSpec What storage is wished for.
.accessModes How it is to be used: by one node or pod, or by many; read only or not.
.dataSource What it is filled from: a snapshot or another claim.
.dataSourceRef What it is filled from, of any kind.
.resources How much. It can grow.
.selector Labels of volumes that fit.
.storageClassName Which StorageClass provides it. The default one when left out; none with "".
.volumeAttributesClassName Which VolumeAttributesClass it has.
.volumeMode Filesystem or Block.
.volumeName The volume that holds it.
api.core.v1.PersistentVolume Storage that somebody has provided.
.metadata Its name and labels.
.spec How much it is, where it is, and for whom.
.status Whether a claim holds it.
api.core.v1.Event Something that happened to an object, for people to read. It is gone after an hour.
.count How often it happened.
.involvedObject What it happened to.
.message What happened.
.reason One word of why.
.type Normal or Warning.
api.core.v1.LimitRange Defaults and bounds for what pods and claims of a namespace ask for.
.metadata Its name and labels.
.spec The bounds.
api.core.v1.ResourceQuota How much a namespace may have in all.
.metadata Its name and labels.
.spec What it may have.
.status What it has.
api.core.v1.Endpoints Addresses of a Service. Deprecated: see EndpointSlice.
.metadata The name of its Service.
.subsets Addresses and their ports.
api.apps.v1.Deployment Pods of one template, as many as wanted, and changed a few at a time.
.metadata Its name, owners and labels.
.spec How many pods, what they look like, and how they change.
.status How many there are, and how the last change goes.
api.apps.v1.DeploymentSpec How many pods, what they look like, and how they change.
.minReadySeconds Seconds that a new pod must be ready to count as available.
.paused Whether changes of the template wait.
.progressDeadlineSeconds Seconds without progress until a change counts as failed.
.replicas How many pods. 1 when left out.
.revisionHistoryLimit How many old ReplicaSets are kept to go back to. 10 when left out.
.selector Which pods are its own. It must match the template's labels, and can't be changed.
.strategy How pods are replaced: RollingUpdate, or Recreate.
.template What the pods look like.
api.apps.v1.DeploymentStatus How a Deployment is doing.
.availableReplicas Pods that have been ready for long enough.
.collisionCount How often a name for a ReplicaSet was taken.
.conditions Whether it is available, and whether it progresses.
.observedGeneration The generation that the controller has seen.
.readyReplicas Pods that are ready.
.replicas Pods that there are.
.terminatingReplicas Pods that are on their way out.
.unavailableReplicas Pods that are lacking.
.updatedReplicas Pods of the newest template.
api.apps.v1.ReplicaSet Pods of one template, as many as wanted. Usually a Deployment's.
.metadata Its name, owners and labels.
.spec How many pods, and what they look like.
.status How many there are.
api.apps.v1.StatefulSet Pods that have names and volumes of their own, in order.
.metadata Its name, owners and labels.
.spec How many pods, what they look like, and what each keeps.
.status How many there are.
api.apps.v1.StatefulSetSpec How many pods, what they look like, and what each keeps.
.minReadySeconds Seconds that a new pod must be ready to count as available.
.ordinals The number of the first pod.
.persistentVolumeClaimRetentionPolicy What becomes of claims when pods go.
.podManagementPolicy OrderedReady: one after the other. Parallel: all at once.
.replicas How many pods. 1 when left out.
.revisionHistoryLimit How many old revisions are kept.
.selector Which pods are its own. It can't be changed.
.serviceName The headless Service that gives its pods their names.
.template What the pods look like.
.updateStrategy How pods are replaced: RollingUpdate, or OnDelete.
.volumeClaimTemplates Claims that each pod has of its own.
api.apps.v1.DaemonSet One pod on each node, or on each that fits.
.metadata Its name, owners and labels.
.spec What the pods look like, and how they change.
.status On how many nodes it is.
api.batch.v1.Job Pods that run until as many as wanted have succeeded.
.metadata Its name, owners and labels.
.spec How many must succeed, and how often it is tried.
.status How many have.
api.batch.v1.JobSpec How many pods must succeed, and how often it is tried.
.activeDeadlineSeconds Seconds after which it is given up.
.backoffLimit How many failures are borne. 6 when left out.
.backoffLimitPerIndex How many failures each index bears.
.completionMode Indexed: each completion has a number of its own. NonIndexed: they are alike.
.completions How many pods must succeed.
.managedBy Which controller cares for it.
.manualSelector Whether the selector is the user's own.
.maxFailedIndexes How many indexes may fail.
.parallelism How many pods run at a time.
.podFailurePolicy What a failure means, by exit code or condition.
.podReplacementPolicy When a pod is replaced: when it has failed, or as soon as it ends.
.selector Which pods are its own. Set by the server.
.successPolicy When it has succeeded although not all have.
.suspend Whether no pods are made for now.
.template What the pods look like.
.ttlSecondsAfterFinished Seconds after its end at which it is deleted.
api.batch.v1.CronJob Jobs at given times.
.metadata Its name, owners and labels.
.spec When, and which Job.
.status What runs, and when the last one was made.
api.batch.v1.CronJobSpec When Jobs are made, and which.
.concurrencyPolicy What happens when the last one still runs: Allow, Forbid or Replace.
.failedJobsHistoryLimit How many failed Jobs are kept. 1 when left out.
.jobTemplate What the Jobs look like.
.schedule When, as cron writes it: minute, hour, day, month, weekday.
.startingDeadlineSeconds How late a Job may be made.
.successfulJobsHistoryLimit How many finished Jobs are kept. 3 when left out.
.suspend Whether no Jobs are made for now.
.timeZone The time zone of the schedule.
api.autoscaling.v2.HorizontalPodAutoscaler As many pods as their load asks for.
.metadata Its name, owners and labels.
.spec What is scaled, by which figures, in which bounds.
.status What it has found and done.
api.networking.v1.Ingress Which Services are reached from outside by which hosts and paths.
.metadata Its name, owners and labels.
.spec Hosts, paths and Services.
.status Where it is reached.
api.networking.v1.NetworkPolicy Who may talk to pods, and to whom they may.
.metadata Its name, owners and labels.
.spec Which pods, and with whom.
api.policy.v1.PodDisruptionBudget How many pods may be away on purpose at a time.
.metadata Its name, owners and labels.
.spec Which pods, and how many.
.status How many may go now.
api.rbac.v1.Role Rights in one namespace.
.metadata Its name, owners and labels.
.rules What is allowed.
api.rbac.v1.ClusterRole Rights in the whole cluster, or to be bound in any namespace.
.aggregationRule Roles whose rules are its own.
.metadata Its name and labels.
.rules What is allowed.
api.rbac.v1.RoleBinding Gives a role to users, groups or accounts, in one namespace.
.metadata Its name, owners and labels.
.roleRef The role. It can't be changed.
.subjects Who has it.
api.rbac.v1.ClusterRoleBinding Gives a role to users, groups or accounts, everywhere.
.metadata Its name and labels.
.roleRef The role. It can't be changed.
.subjects Who has it.
api.rbac.v1.PolicyRule What is allowed.
.apiGroups Groups of resources; "" is core, "*" is all.
.nonResourceURLs Paths that are no resources.
.resourceNames Names that it is limited to. All when left out.
.resources Resources; "*" is all.
.verbs What may be done: get, list, watch, create, update, patch, delete; "*" is all.
api.storage.v1.StorageClass A kind of storage, and who provides it.
.allowVolumeExpansion Whether claims can grow.
.metadata Its name and labels.
.parameters For who provides it.
.provisioner Who provides it.
.reclaimPolicy What becomes of a volume when its claim goes: Delete or Retain.
.volumeBindingMode When a volume is provided: Immediate, or WaitForFirstConsumer.
api.scheduling.v1.PriorityClass How important pods are.
.description What it is for.
.globalDefault Whether pods that name none are of it.
.metadata Its name and labels.
.preemptionPolicy Whether its pods may end others to have room.
.value The higher, the more important.
api.coordination.v1.Lease Who holds something, and until when.
.metadata Its name and labels.
.spec The holder and its times.
api.discovery.v1.EndpointSlice Addresses of a Service, or a part of them.
.addressType IPv4, IPv6 or FQDN.
.endpoints The addresses, and what is known of each.
.metadata Its name and the label of its Service.
.ports Ports that all of them have.
apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition A kind of your own, served at once.
.metadata Its name: the plural, a dot and the group.
.spec Its names, versions and schemas.
.status Whether it is served, and under which names.
apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec Names, versions and schemas of a kind.
.conversion How objects get from one version to another.
.group Its group, as example.com.
.names How it is called.
.preserveUnknownFields Must be false.
.scope Namespaced or Cluster.
.versions Its versions, one of which is stored.
`;

/** By type, and by type and field. */
export type Descriptions = ReadonlyMap<string, string>;

let read: Descriptions | undefined;

/** Read where the first document is made: a start needs none of them. */
export function descriptions(): Descriptions {
  return (read ??= readText());
}

function readText(): Descriptions {
  const byName = new Map<string, string>();
  let type = "";
  for (const line of TEXT.trim().split("\n")) {
    const space = line.indexOf(" ");
    const name = line.slice(0, space);
    if (!name.startsWith(".")) type = name;
    byName.set(name.startsWith(".") ? type + name : name, line.slice(space + 1));
  }
  return byName;
}

/** The name in `Descriptions` of a type, by its name in OpenAPI: `io.k8s.api.core.v1.Pod`. */
export function describedName(openApiName: string): string {
  return openApiName.replace(/^io\.k8s\.(apimachinery\.pkg\.)?/, "");
}
