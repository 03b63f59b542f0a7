/** The storage behind a PersistentVolume as Go's types name it, which is how messages show it. */
import type { Field, TypeRef } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../../protocols/kubernetes/schema/schema.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { isJsonObject } from "../../machinery/json-value.ts";
import { PERSISTENT_SOURCES } from "../../machinery/validation/persistent-volume-sources.ts";

/** Names that are more than their first letter in upper case. */
const NAMES: Readonly<Record<string, string>> = {
  cephfs: "CephFS",
  chapAuthDiscovery: "DiscoveryCHAPAuth",
  chapAuthSession: "SessionCHAPAuth",
  csi: "CSI",
  diskURI: "DataDiskURI",
  endpoints: "EndpointsName",
  fc: "FC",
  fsType: "FSType",
  gcePersistentDisk: "GCEPersistentDisk",
  awsElasticBlockStore: "AWSElasticBlockStore",
  image: "RBDImage",
  iqn: "IQN",
  iscsi: "ISCSI",
  iscsiInterface: "ISCSIInterface",
  nfs: "NFS",
  pdName: "PDName",
  pool: "RBDPool",
  rbd: "RBD",
  sslEnabled: "SSLEnabled",
  storageos: "StorageOS",
  wwids: "WWIDs",
};
/** In `rbd`, which has the names of others for something else. */
const RBD_NAMES: Readonly<Record<string, string>> = { monitors: "CephMonitors", user: "RadosUser" };

function nameOf(name: string, type: string): string {
  const special = (type.startsWith("RBD") ? RBD_NAMES[name] : undefined) ?? NAMES[name];
  return special ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** @param sources those that the volume names, by their names */
export function shownSources(sources: JsonObject): JsonObject {
  const fields = findType("v1", "PersistentVolumeSpec")?.fields ?? new Map<string, Field>();
  const shown: JsonObject = {};
  for (const [name, field] of fields) {
    if (PERSISTENT_SOURCES.includes(name)) shown[nameOf(name, "")] = shownValue(field, sources[name]);
  }
  return shown;
}

function shownStruct(type: TypeRef, value: JsonObject): JsonObject {
  const shown: JsonObject = {};
  for (const [name, field] of type.fields) shown[nameOf(name, type.name)] = shownValue(field, value[name]);
  return shown;
}

/** What is not there is Go's zero value. */
function shownValue({ type, pointer }: Field, value: unknown): unknown {
  if (value !== undefined && value !== null) {
    return type.is === "object" && isJsonObject(value) ? shownStruct(type.type, value) : value;
  }
  if (pointer || type.is !== "scalar") return null;
  if (type.scalar === "string") return "";
  return type.scalar === "bool" ? false : 0;
}
