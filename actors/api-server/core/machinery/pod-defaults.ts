/**
 * Defaults of pods and pod templates, written into the object at hand.
 * Source: Kubernetes 1.37 `pkg/apis/core/v1/defaults.go` and the defaults in the field tables.
 */
import { objectIn, objectsIn, roundAmounts, setDefault } from "./default-values.ts";
import type { JsonObject } from "./json-value.ts";

export function defaultPodSpec(spec: JsonObject): void {
  const serviceAccount = spec["serviceAccountName"] || spec["serviceAccount"];
  if (typeof serviceAccount === "string" && serviceAccount !== "") {
    spec["serviceAccountName"] = serviceAccount;
    spec["serviceAccount"] = serviceAccount;
  }
  setDefault(spec, "restartPolicy", "Always", "");
  setDefault(spec, "terminationGracePeriodSeconds", 30);
  setDefault(spec, "dnsPolicy", "ClusterFirst", "");
  setDefault(spec, "securityContext", {});
  setDefault(spec, "schedulerName", "default-scheduler", "");
  for (const volume of objectsIn(spec["volumes"])) defaultVolume(volume);
  for (const list of ["initContainers", "containers", "ephemeralContainers"]) {
    for (const container of objectsIn(spec[list])) defaultContainer(container);
  }
}

/** What holds for pods only. */
export function defaultPod(spec: JsonObject): void {
  if (typeof spec["terminationGracePeriodSeconds"] === "number" && spec["terminationGracePeriodSeconds"] < 0) {
    spec["terminationGracePeriodSeconds"] = 1;
  }
  for (const container of [...objectsIn(spec["containers"]), ...objectsIn(spec["initContainers"])]) {
    const resources = objectIn(container, "resources");
    const limits = resources === undefined ? undefined : objectIn(resources, "limits");
    if (resources !== undefined && limits !== undefined) {
      resources["requests"] = { ...limits, ...objectIn(resources, "requests") };
    }
    if (spec["hostNetwork"] !== true) continue;
    for (const port of objectsIn(container["ports"])) setDefault(port, "hostPort", port["containerPort"], 0);
  }
  setDefault(spec, "enableServiceLinks", true);
}

/**
 * The tag of an image name; `latest` when it names none and is not pinned by a digest.
 * @see distribution `reference.ParseNormalizedNamed`
 */
function imageTag(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  return tag ?? (digest === undefined ? "latest" : "");
}

function pullPolicy(image: unknown): string {
  return typeof image === "string" && image !== "" && imageTag(image) === "latest" ? "Always" : "IfNotPresent";
}

function defaultContainer(container: JsonObject): void {
  for (const port of objectsIn(container["ports"])) setDefault(port, "protocol", "TCP", "");
  for (const variable of objectsIn(container["env"])) {
    const source = objectIn(variable, "valueFrom");
    if (source === undefined) continue;
    defaultFieldRef(source);
    const file = objectIn(source, "fileKeyRef");
    if (file !== undefined) setDefault(file, "optional", false);
  }
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    const value = objectIn(container, probe);
    if (value !== undefined) defaultProbe(value);
  }
  const lifecycle = objectIn(container, "lifecycle");
  for (const hook of ["postStart", "preStop"]) {
    const handler = lifecycle === undefined ? undefined : objectIn(lifecycle, hook);
    if (handler !== undefined) defaultHttpGet(handler);
  }
  for (const amounts of ["limits", "requests"]) roundAmounts(objectIn(objectIn(container, "resources") ?? {}, amounts));
  setDefault(container, "terminationMessagePath", "/dev/termination-log", "");
  setDefault(container, "terminationMessagePolicy", "File", "");
  setDefault(container, "imagePullPolicy", pullPolicy(container["image"]), "");
}

function defaultProbe(probe: JsonObject): void {
  defaultHttpGet(probe);
  const grpc = objectIn(probe, "grpc");
  if (grpc !== undefined) setDefault(grpc, "service", "");
  setDefault(probe, "timeoutSeconds", 1, 0);
  setDefault(probe, "periodSeconds", 10, 0);
  setDefault(probe, "successThreshold", 1, 0);
  setDefault(probe, "failureThreshold", 3, 0);
}

function defaultHttpGet(handler: JsonObject): void {
  const httpGet = objectIn(handler, "httpGet");
  if (httpGet === undefined) return;
  setDefault(httpGet, "path", "/", "");
  setDefault(httpGet, "scheme", "HTTP", "");
}

function defaultFieldRef(holder: JsonObject): void {
  const fieldRef = objectIn(holder, "fieldRef");
  if (fieldRef !== undefined) setDefault(fieldRef, "apiVersion", "v1", "");
}

/** 0644 */
const DEFAULT_MODE = 420;

/** Members of volume sources that have a default. */
const VOLUME_DEFAULTS: Readonly<Record<string, JsonObject>> = {
  azureDisk: { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" },
  configMap: { defaultMode: DEFAULT_MODE },
  downwardAPI: { defaultMode: DEFAULT_MODE },
  hostPath: { type: "" },
  iscsi: { iscsiInterface: "default" },
  projected: { defaultMode: DEFAULT_MODE },
  rbd: { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" },
  scaleIO: { storageMode: "ThinProvisioned", fsType: "xfs" },
  secret: { defaultMode: DEFAULT_MODE },
};

/** @param holder of the sources: a volume of a pod, or the spec of a PersistentVolume */
export function defaultVolumeSource(holder: JsonObject): void {
  for (const kind of Object.keys(VOLUME_DEFAULTS)) {
    const value = objectIn(holder, kind);
    if (value === undefined) continue;
    for (const [key, standard] of Object.entries(VOLUME_DEFAULTS[kind] ?? {})) setDefault(value, key, standard);
  }
}

function defaultVolume(volume: JsonObject): void {
  const source = Object.keys(volume).find((key) => key !== "name");
  if (source === undefined) volume["emptyDir"] = {};
  defaultVolumeSource(volume);
  const image = objectIn(volume, "image");
  if (image !== undefined) setDefault(image, "pullPolicy", pullPolicy(image["reference"]), "");
  const claim = objectIn(objectIn(objectIn(volume, "ephemeral") ?? {}, "volumeClaimTemplate") ?? {}, "spec");
  if (claim !== undefined) setDefault(claim, "volumeMode", "Filesystem");
  for (const item of objectsIn(objectIn(volume, "downwardAPI")?.["items"])) defaultFieldRef(item);
  for (const projection of objectsIn(objectIn(volume, "projected")?.["sources"])) {
    for (const item of objectsIn(objectIn(projection, "downwardAPI")?.["items"])) defaultFieldRef(item);
    const token = objectIn(projection, "serviceAccountToken");
    if (token !== undefined) setDefault(token, "expirationSeconds", 3600);
  }
}
