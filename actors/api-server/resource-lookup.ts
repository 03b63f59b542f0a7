/** Rows of the resource table by what a request names. */
import type { ApiTarget } from "../../protocols/api-server.ts";
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import { findResource, RESOURCES } from "../../protocols/kubernetes/resources.ts";
import { noSuchResource } from "./core/machinery/status.ts";

const STORED = new Map(
  RESOURCES.filter((row) => row.storageApiVersion === undefined).map((row) => [row.storagePrefix, row]),
);

/** @throws Status 404 */
export function infoOf(target: Pick<ApiTarget, "group" | "version" | "resource">): ResourceInfo {
  const info = findResource(target.group, target.version, target.resource);
  if (info === undefined) throw noSuchResource();
  return info;
}

/** A row that is known to be there. */
export function requiredInfo(group: string, version: string, resource: string): ResourceInfo {
  const info = findResource(group, version, resource);
  if (info === undefined) throw new Error(`no row for ${group}/${version}/${resource}`);
  return info;
}

/** The row in whose version the objects of `info` are stored. */
export function storedInfo(info: ResourceInfo): ResourceInfo {
  return info.storageApiVersion === undefined ? info : (STORED.get(info.storagePrefix) ?? info);
}
