/**
 * Rules of the volume sources that name storage outside of the cluster, none of which inkube mounts: what each must say.
 * Source: Kubernetes `validateVolumeSource` and what it calls.
 */
import type { JsonObject } from "../json-value.ts";
import { isJsonObject, textOf } from "../json-value.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, dns1123Subdomain } from "./names.ts";
import { validateRelativePath } from "./paths.ts";

type Check = (at: string, source: JsonObject, errors: FieldErrors) => void;

const BYTE_MAX = 255;

/** Fields that must be there, by their paths. */
function requires(...fields: readonly string[]): Check {
  return (at, source, errors) => {
    for (const field of fields) {
      const value = source[field];
      if (!value || (Array.isArray(value) && value.length === 0)) errors.required(`${at}.${field}`);
    }
  };
}

function all(...checks: readonly Check[]): Check {
  return (at, source, errors) => {
    for (const check of checks) check(at, source, errors);
  };
}

/** 0 is none. */
function partition(at: string, source: JsonObject, errors: FieldErrors): void {
  const value = source["partition"];
  if (typeof value === "number" && value !== 0) errors.inRange(`${at}.partition`, value, 1, BYTE_MAX);
}

function absolutePath(at: string, source: JsonObject, errors: FieldErrors): void {
  const path = textOf(source["path"]);
  if (!path.startsWith("/")) errors.invalid(`${at}.path`, path, "must be an absolute path");
}

/** A reference to a Secret that names none. */
function secretRef(at: string, source: JsonObject, errors: FieldErrors): void {
  const ref = source["secretRef"];
  if (isJsonObject(ref) && !ref["name"]) errors.required(`${at}.secretRef.name`);
}

/** Before Kubernetes looks at a Secret. */
export const BEFORE_SECRETS: Readonly<Record<string, Check>> = {
  gitRepo: (at, source, errors) => {
    requires("repository")(at, source, errors);
    validateRelativePath(`${at}.directory`, textOf(source["directory"]), errors);
  },
  // Its field has another name in messages.
  gcePersistentDisk: (at, source, errors) =>
    all(requires("pdName"), partition)(at.replace(/gcePersistentDisk$/, "persistentDisk"), source, errors),
  awsElasticBlockStore: all(requires("volumeID"), partition),
};

export const ISCSI_NAME: RegExp =
  /^(iqn\.\d{4}-\d{2}\.([0-9a-z]([-0-9a-z]*[0-9a-z])?\.)*[0-9a-z]([-0-9a-z]*[0-9a-z])?(:[^,;*&$|\s]+)?|eui\.[0-9A-Fa-f]{16}|naa\.[0-9A-Fa-f]{16,32})$/;

function iscsiName(field: string, name: string, errors: FieldErrors): void {
  if (!/^(iqn|eui|naa)/.test(name)) errors.invalid(field, name, "must be valid format starting with iqn, eui, or naa");
  else if (!ISCSI_NAME.test(name)) errors.invalid(field, name, "must be valid format");
}

function iscsi(at: string, source: JsonObject, errors: FieldErrors): void {
  requires("targetPortal", "iqn")(at, source, errors);
  if (source["iqn"]) iscsiName(`${at}.iqn`, textOf(source["iqn"]), errors);
  if (typeof source["lun"] === "number") errors.inRange(`${at}.lun`, source["lun"], 0, BYTE_MAX);
  const authenticates = source["chapAuthDiscovery"] === true || source["chapAuthSession"] === true;
  if (authenticates && !isJsonObject(source["secretRef"])) errors.required(`${at}.secretRef`);
  if (source["initiatorName"] !== undefined) iscsiName(`${at}.initiatorname`, textOf(source["initiatorName"]), errors);
}

function flocker(at: string, { datasetName, datasetUUID }: JsonObject, errors: FieldErrors): void {
  if (!datasetName && !datasetUUID) errors.required(at, "one of datasetName and datasetUUID is required");
  if (datasetName && datasetUUID) {
    errors.invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously");
  }
  const name = textOf(datasetName);
  if (name.includes("/")) errors.invalid(`${at}.datasetName`, name, "must not contain '/'");
}

function fibreChannel(at: string, { targetWWNs, wwids, lun }: JsonObject, errors: FieldErrors): void {
  const [names, ids] = [Array.isArray(targetWWNs) ? targetWWNs : [], Array.isArray(wwids) ? wwids : []];
  if (names.length === 0 && ids.length === 0) {
    errors.required(`${at}.targetWWNs`, "must specify either targetWWNs or wwids, but not both");
  }
  if (names.length > 0 && ids.length > 0) {
    errors.invalid(`${at}.targetWWNs`, names, "targetWWNs and wwids can not be specified simultaneously");
  }
  if (names.length === 0) return;
  if (typeof lun !== "number") errors.required(`${at}.lun`, "lun is required if targetWWNs is specified");
  else errors.inRange(`${at}.lun`, lun, 0, BYTE_MAX);
}

const TENANT_CHARS_MAX = 64;

function quobyte(at: string, source: JsonObject, errors: FieldErrors): void {
  const registry = textOf(source["registry"]);
  const pair = "must be a host:port pair or multiple pairs separated by commas";
  if (registry === "") errors.required(`${at}.registry`, pair);
  else if (textOf(source["tenant"]).length >= 65) {
    errors.required(`${at}.tenant`, `must be a UUID and may not exceed a length of ${TENANT_CHARS_MAX} characters`);
  } else if (!registry.split(",").every((one) => /^([^:]+|\[.*\]):\d+$/.test(one))) {
    errors.invalid(`${at}.registry`, registry, pair);
  }
  requires("volume")(at, source, errors);
}

const CSI_NAME_CHARS_MAX = 63;

function csi(at: string, source: JsonObject, errors: FieldErrors): void {
  const driver = textOf(source["driver"]);
  if (driver === "") errors.required(`${at}.driver`);
  if (driver.length > CSI_NAME_CHARS_MAX) errors.tooLong(`${at}.driver`, CSI_NAME_CHARS_MAX);
  if (driver !== "") errors.all(`${at}.driver`, driver, dns1123Subdomain(driver.toLowerCase()));
  const ref = source["nodePublishSecretRef"];
  if (isJsonObject(ref) && !ref["name"]) errors.required(`${at}.nodePublishSecretRef.name`);
}

const BLOB = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
const MANAGED = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";

function azureDisk(at: string, source: JsonObject, errors: FieldErrors): void {
  const { cachingMode, kind } = source;
  const uri = textOf(source["diskURI"]);
  requires("diskName", "diskURI")(at, source, errors);
  if (cachingMode !== undefined) errors.oneOf(`${at}.cachingMode`, cachingMode, ["None", "ReadOnly", "ReadWrite"]);
  if (kind !== undefined) errors.oneOf(`${at}.kind`, kind, ["Dedicated", "Managed", "Shared"]);
  if (kind === "Managed" && !uri.startsWith("/subscriptions")) errors.oneOf(`${at}.diskURI`, uri, [MANAGED]);
  if (kind !== "Managed" && !/^https:\/\//i.test(uri)) errors.oneOf(`${at}.diskURI`, uri, [BLOB]);
}

function storageOs(at: string, source: JsonObject, errors: FieldErrors): void {
  const [name, namespace] = [textOf(source["volumeName"]), textOf(source["volumeNamespace"])];
  if (name === "") errors.required(`${at}.volumeName`);
  else errors.all(`${at}.volumeName`, name, dns1123Label(name));
  if (namespace !== "") errors.all(`${at}.volumeNamespace`, namespace, dns1123Label(namespace));
  secretRef(at, source, errors);
}

const NFS: Check = all(requires("server", "path"), absolutePath);

/** After Kubernetes has looked at a Secret. */
export const NETWORK: Readonly<Record<string, Check>> = {
  nfs: NFS,
  iscsi,
  glusterfs: requires("endpoints", "path"),
  flocker,
  rbd: requires("monitors", "image"),
  cinder: all(requires("volumeID"), secretRef),
  cephfs: requires("monitors"),
  quobyte,
  fc: fibreChannel,
  flexVolume: requires("driver"),
  azureFile: requires("secretName", "shareName"),
  vsphereVolume: requires("volumePath"),
  photonPersistentDisk: requires("pdID"),
  portworxVolume: requires("volumeID"),
  azureDisk,
  storageos: storageOs,
  scaleIO: requires("gateway", "system", "volumeName"),
  csi,
  image: (at, source, errors) => {
    requires("reference")(at, source, errors);
    errors.oneOf(`${at}.pullPolicy`, source["pullPolicy"], ["Always", "IfNotPresent", "Never"]);
  },
};
