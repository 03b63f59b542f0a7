/**
 * Rules of the storage behind a PersistentVolume. Most sources are those of a pod's volume; a volume of the whole cluster names the
 * namespaces of its Secrets as well. Source: Kubernetes `ValidatePersistentVolumeSpec` and what it calls.
 */
import type { JsonObject } from "../json-value.ts";
import { isJsonObject, textOf } from "../json-value.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, dns1123Subdomain } from "./names.ts";
import { validateNoBacksteps } from "./paths.ts";
import { ISCSI_NAME } from "./volume-sources.ts";
import { validateVolumeSource } from "./volumes.ts";

/** @param volume the name of the PersistentVolume */
type Check = (at: string, source: JsonObject, errors: FieldErrors, volume: string) => void;

/** Of what may be there, the names that must be in it. */
function refNames(field: string, ...names: readonly string[]): Check {
  return (at, source, errors) => {
    const ref = source[field];
    if (!isJsonObject(ref)) return;
    for (const name of names) if (!ref[name]) errors.required(`${at}.${field}.${name}`);
  };
}

function ofPods(kind: string, ...more: readonly Check[]): Check {
  return (at, source, errors, volume) => {
    validateVolumeSource(at, kind, source, errors);
    for (const check of more) check(at, source, errors, volume);
  };
}

const CSI_NAME_CHARS_MAX = 63;
const CSI_SECRETS = [
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
  "nodePublishSecretRef",
  "nodeExpandSecretRef",
];

function csi(at: string, source: JsonObject, errors: FieldErrors): void {
  const driver = textOf(source["driver"]);
  if (driver === "") errors.required(`${at}.driver`);
  else {
    if (driver.length > CSI_NAME_CHARS_MAX) errors.tooLong(`${at}.driver`, CSI_NAME_CHARS_MAX);
    errors.all(`${at}.driver`, driver, dns1123Subdomain(driver.toLowerCase()));
  }
  if (!source["volumeHandle"]) errors.required(`${at}.volumeHandle`);
  for (const field of CSI_SECRETS) {
    const ref = source[field];
    if (!isJsonObject(ref)) continue;
    const [name, namespace] = [textOf(ref["name"]), textOf(ref["namespace"])];
    if (name === "") errors.required(`${at}.${field}.name`);
    else errors.all(`${at}.${field}.name`, name, dns1123Subdomain(name));
    if (namespace === "") errors.required(`${at}.${field}.namespace`);
    else errors.all(`${at}.${field}.namespace`, namespace, dns1123Label(namespace));
  }
}

function local(at: string, { path }: JsonObject, errors: FieldErrors): void {
  if (!path) errors.required(`${at}.path`);
  else validateNoBacksteps(`${at}.path`, textOf(path), errors);
}

function glusterfs(at: string, source: JsonObject, errors: FieldErrors): void {
  validateVolumeSource(at, "glusterfs", source, errors);
  const namespace = source["endpointsNamespace"];
  if (typeof namespace !== "string") return;
  const field = `${at}.endpointsNamespace`;
  if (namespace !== "") return errors.all(field, namespace, dns1123Label(namespace));
  errors.invalid(field, namespace, "if the endpointnamespace is set, it must be a valid namespace name");
}

function azureFile(at: string, source: JsonObject, errors: FieldErrors): void {
  validateVolumeSource(at, "azureFile", source, errors);
  if (source["secretNamespace"] === "") errors.required(`${at}.secretNamespace`);
}

function flexVolume(at: string, source: JsonObject, errors: FieldErrors): void {
  validateVolumeSource(at, "flexVolume", source, errors);
  for (const key of Object.keys(isJsonObject(source["options"]) ? source["options"] : {})) {
    const domain = `.${(key.split("/")[0] ?? "").toLowerCase()}`;
    if (!domain.endsWith(".kubernetes.io") && !domain.endsWith(".k8s.io")) continue;
    errors.invalid(`${at}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved");
  }
}

/** Longer than this, the names of volume and portal together are no name of an interface. */
const ISCSI_INTERFACE_CHARS_MAX = 64;

function iscsi(at: string, source: JsonObject, errors: FieldErrors, volume: string): void {
  const { targetPortal, initiatorName } = source;
  const portal = textOf(targetPortal);
  if (portal === "") errors.required(`${at}.targetPortal`);
  if (initiatorName !== undefined && `${volume}:${portal}`.length > ISCSI_INTERFACE_CHARS_MAX) {
    const detail = `Total length of <volume name>:<iscsi.targetPortal> must be under ${ISCSI_INTERFACE_CHARS_MAX} characters if iscsi.initiatorName is specified.`;
    errors.invalid(`${at}.targetportal`, portal, detail);
  }
  const iqn = textOf(source["iqn"]);
  if (iqn === "") errors.required(`${at}.iqn`);
  else if (!ISCSI_NAME.test(iqn)) errors.invalid(`${at}.iqn`, iqn, "must be valid format");
  if (typeof source["lun"] === "number") errors.inRange(`${at}.lun`, source["lun"], 0, 255);
  const authenticates = source["chapAuthDiscovery"] === true || source["chapAuthSession"] === true;
  if (authenticates && !isJsonObject(source["secretRef"])) errors.required(`${at}.secretRef`);
  refNames("secretRef", "name")(at, source, errors, volume);
  const name = textOf(initiatorName);
  if (initiatorName === undefined || ISCSI_NAME.test(name)) return;
  errors.invalid(`${at}.initiatorname`, name, "must be valid format");
}

/** In the order in which Kubernetes looks at them; the first is the volume's type, any other is one too many. */
const SOURCES: Readonly<Record<string, Check>> = {
  hostPath: ofPods("hostPath"),
  gcePersistentDisk: ofPods("gcePersistentDisk"),
  awsElasticBlockStore: ofPods("awsElasticBlockStore"),
  glusterfs,
  flocker: ofPods("flocker"),
  nfs: ofPods("nfs"),
  rbd: ofPods("rbd"),
  quobyte: ofPods("quobyte"),
  cephfs: ofPods("cephfs"),
  iscsi,
  cinder: ofPods("cinder", refNames("secretRef", "namespace")),
  fc: ofPods("fc"),
  flexVolume,
  azureFile,
  vsphereVolume: ofPods("vsphereVolume"),
  photonPersistentDisk: ofPods("photonPersistentDisk"),
  portworxVolume: ofPods("portworxVolume"),
  azureDisk: ofPods("azureDisk"),
  scaleIO: ofPods("scaleIO"),
  local,
  storageos: ofPods("storageos", refNames("secretRef", "namespace")),
  csi,
};
export const PERSISTENT_SOURCES: readonly string[] = Object.keys(SOURCES);

/** Kubernetes calls it so where it is one too many. */
const OTHER_NAMES: Readonly<Record<string, string>> = { cephfs: "cephFS" };

/** @param volume the name of the PersistentVolume */
export function validatePersistentSource(at: string, spec: JsonObject, volume: string, errors: FieldErrors): void {
  const kinds = PERSISTENT_SOURCES.filter((kind) => isJsonObject(spec[kind]));
  for (const [i, kind] of kinds.entries()) {
    const source = spec[kind];
    if (i > 0 && kind !== "flexVolume") {
      errors.forbidden(`${at}.${OTHER_NAMES[kind] ?? kind}`, "may not specify more than 1 volume type");
    } else if (isJsonObject(source)) SOURCES[kind]?.(`${at}.${kind}`, source, errors, volume);
    const alone = i === 0 || kind === "flexVolume";
    if (kind === "local" && alone && !isJsonObject(spec["nodeAffinity"])) {
      errors.required(`${at}.nodeAffinity`, "Local volume requires node affinity");
    }
  }
  if (kinds.length === 0) errors.required(at, "must specify a volume type");
}
