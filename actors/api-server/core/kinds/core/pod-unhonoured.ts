/** Fields of pods that nothing in inkube acts on; see `machinery/unhonoured.ts`. */
import type { Unhonoured } from "../../machinery/unhonoured.ts";

const NO_USERS = "containers run as the user of this process";
const NO_ISOLATION = "containers are not isolated from this process";
const NOT_MOUNTED = "the kubelet refuses to mount it";

const SECURITY: readonly Unhonoured[] = [
  { path: "runAsUser", words: NO_USERS },
  { path: "runAsGroup", words: NO_USERS },
  { path: "runAsNonRoot", words: NO_USERS, benign: [false] },
  { path: "seLinuxOptions", words: NO_ISOLATION },
  { path: "windowsOptions", words: NO_ISOLATION },
  { path: "seccompProfile", words: NO_ISOLATION },
  { path: "appArmorProfile", words: NO_ISOLATION },
];

const CONTAINER: readonly Unhonoured[] = [
  ...SECURITY.map((row) => ({ ...row, path: `securityContext.${row.path}` })),
  { path: "securityContext.capabilities", words: NO_ISOLATION },
  { path: "securityContext.privileged", words: NO_ISOLATION, benign: [false] },
  { path: "securityContext.readOnlyRootFilesystem", words: NO_ISOLATION, benign: [false] },
  { path: "securityContext.allowPrivilegeEscalation", words: NO_ISOLATION, benign: [true] },
  { path: "securityContext.procMount", words: NO_ISOLATION, benign: ["Default"] },
  { path: "resizePolicy", words: "the resources of a running container can't be changed" },
  { path: "resources.claims", words: "there are no devices to claim" },
  { path: "volumeDevices", words: "there are no block devices" },
  { path: "lifecycle.stopSignal", words: "containers are stopped by SIGTERM", benign: ["SIGTERM"] },
  { path: "env[].valueFrom.fileKeyRef", words: "the container is not started" },
  { path: "volumeMounts[].recursiveReadOnly", words: "mounts below can be written to", benign: ["Disabled"] },
  { path: "volumeMounts[].bindMountOptions", words: "the mount has no options" },
  { path: "ports[].hostIP", words: "the port is open on the pod's own address only" },
  ...["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"].map((handler) => ({
    path: `${handler}.httpGet.protocol`,
    words: "the kubelet speaks HTTP/1.1",
    benign: ["HTTP1"],
  })),
];

const FILES: readonly string[] = ["configMap", "secret", "downwardAPI"];
const NO_OWNERS = "files belong to the user of this process";

export const POD_UNHONOURED: readonly Unhonoured[] = [
  ...["containers[]", "initContainers[]", "ephemeralContainers[]"].flatMap((list) =>
    CONTAINER.map((row) => ({ ...row, path: `${list}.${row.path}` })),
  ),
  ...SECURITY.map((row) => ({ ...row, path: `securityContext.${row.path}` })),
  { path: "securityContext.supplementalGroups", words: NO_USERS },
  { path: "securityContext.supplementalGroupsPolicy", words: NO_USERS },
  { path: "securityContext.sysctls", words: NO_ISOLATION },
  { path: "securityContext.fsGroupChangePolicy", words: "volumes are written anew for each pod" },
  { path: "securityContext.seLinuxChangePolicy", words: NO_ISOLATION },
  { path: "dnsPolicy", words: "names are resolved as with ClusterFirst", benign: ["ClusterFirst"] },
  { path: "dnsConfig", words: "names are resolved as with ClusterFirst" },
  { path: "hostPID", words: NO_ISOLATION, benign: [false] },
  { path: "hostIPC", words: NO_ISOLATION, benign: [false] },
  { path: "shareProcessNamespace", words: NO_ISOLATION },
  { path: "hostUsers", words: NO_USERS, benign: [true] },
  { path: "imagePullSecrets", words: "images are local, and none is pulled" },
  { path: "runtimeClassName", words: "the image decides what runs it, whatever the class's handler" },
  { path: "resourceClaims", words: "there are no devices to claim" },
  { path: "schedulingGroup", words: "pods are scheduled one by one" },
  { path: "evictionResponders", words: "nobody is asked before an eviction" },
  { path: "os", words: "containers run on the system of this process" },
  ...FILES.map((kind) => ({ path: `volumes[].${kind}.defaultUser`, words: NO_OWNERS })),
  ...FILES.map((kind) => ({ path: `volumes[].${kind}.items[].user`, words: NO_OWNERS })),
  ...FILES.map((kind) => ({ path: `volumes[].projected.sources[].${kind}.items[].user`, words: NO_OWNERS })),
  { path: "volumes[].projected.defaultUser", words: NO_OWNERS },
  { path: "volumes[].projected.sources[].clusterTrustBundle", words: NOT_MOUNTED },
  { path: "volumes[].projected.sources[].podCertificate", words: NOT_MOUNTED },
  { path: "volumes[].projected.sources[].serviceAccountToken.user", words: NO_OWNERS },
  { path: "volumes[].emptyDir.mode", words: "the directory has the mode 0777" },
];
