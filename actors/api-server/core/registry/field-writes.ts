/** Who manages the fields of what is written: the kind's part in it. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ManagedFieldsEntry } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Catalog, Served } from "../catalog/catalog.ts";
import type { ObjectForm } from "../catalog/form.ts";
import type { Fields } from "../kinds/rules.ts";
import type { FieldFilter } from "../managed-fields/field-filter.ts";
import { METADATA_AND_SPEC } from "../managed-fields/field-filter.ts";
import type { FieldWrite, Version } from "../managed-fields/field-manager.ts";
import { isJsonObject, withFields } from "../machinery/json-value.ts";
import type { Stepped } from "../steps.ts";
import type { KnownConversions } from "../webhooks/conversion.ts";
import { sameResource } from "../webhooks/conversion.ts";
import { toServed, toStored } from "./present.ts";

type Entries = readonly ManagedFieldsEntry[] | undefined;

/**
 * What is to stand in `managedFields` of an object that is about to be stored.
 * @param object as it would be stored, with its defaults, before what belongs to the server is put right
 * @param given what came with the request
 */
export type Manage = (object: Fields, given: Entries) => Stepped<Entries>;

/**
 * @param subresource undefined: the object itself
 * @param known converts where a webhook does
 */
export function fieldWriteOf(
  catalog: Catalog,
  served: Served,
  subresource: string | undefined,
  manager: string,
  nowMs: number,
  known: KnownConversions,
): FieldWrite {
  return {
    manager,
    subresource: subresource ?? "",
    version: versionOf(served, served, known),
    versionOf: (apiVersion) => {
      const other = inVersion(catalog, served, apiVersion);
      return other === undefined ? undefined : versionOf(other, served, known);
    },
    filter: filterOf(served, subresource),
    nowMs,
    empty: served.form.empty,
    created: served.form.created,
  };
}

/** The same write, of what a subresource speaks: it has one version, whatever that of its object. */
export function writeOfForm(write: FieldWrite, { apiVersion, structure, empty, created }: ObjectForm): FieldWrite {
  const same = (object: KubernetesObject): KubernetesObject => object;
  const version = { apiVersion, structure, toServed: same, toStored: same };
  return {
    ...write,
    version,
    versionOf: (other) => (other === apiVersion ? version : undefined),
    filter: NOTHING,
    empty,
    created,
  };
}

/** @param written in whose version an object is dealt with that a webhook converts */
function versionOf(served: Served, written: Served, known: KnownConversions): Version {
  const { conversion, info, form } = served;
  if (conversion === undefined) {
    return {
      apiVersion: info.apiVersion,
      structure: form.structure,
      toServed: (object: KubernetesObject) => toServed(served, object),
      toStored: (object: KubernetesObject) => toStored(served, object),
    };
  }
  return {
    apiVersion: info.apiVersion,
    structure: form.structure,
    toServed: (object: KubernetesObject) => known.to(conversion, object, info.apiVersion),
    toStored: (object: KubernetesObject) => known.to(conversion, object, written.info.apiVersion),
  };
}

function inVersion(catalog: Catalog, served: Served, apiVersion: string): Served | undefined {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const other = catalog.find(group, apiVersion.slice(slash + 1), served.info.resource);
  return other !== undefined && sameResource(other, served) ? other : undefined;
}

/** A write of the object can't change its status, nor one of the status the rest, unless the kind says otherwise. */
function filterOf({ form, info, stored: { rules } }: Served, subresource: string | undefined): FieldFilter {
  const own = rules.resetFields?.[subresource ?? ""];
  if (own !== undefined) return own;
  if (subresource === "status") {
    if (form.type === undefined) return METADATA_AND_SPEC;
    return rules.statusKeepsLabels ? LABELS_AND_SPEC : SPEC;
  }
  const hasStatus = info.subresources.some(({ name }) => name === "status");
  return hasStatus && (subresource === undefined || subresource === "finalize") ? STATUS : NOTHING;
}

const NOTHING: FieldFilter = {};
const STATUS: FieldFilter = { except: ["status"] };
const SPEC: FieldFilter = { except: ["spec"] };
const LABELS_AND_SPEC: FieldFilter = { except: ["metadata.labels", "spec"] };

/** The object with these entries and no others. */
export function withManagedFields(object: Fields, managedFields: Entries): Fields {
  const { managedFields: _before, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: managedFields === undefined ? metadata : withFields(metadata, { managedFields }) };
}

const MANAGED_FIELDS = "/metadata/managedFields";

/** Whether a patch may have to do with the entries: one that has not need not have them decoded again. */
export function speaksOfManagedFields(patch: unknown): boolean {
  if (Array.isArray(patch)) {
    return patch.some((operation: unknown) => {
      if (!isJsonObject(operation)) return true;
      const paths = [operation["path"], operation["from"]].filter((path) => typeof path === "string");
      return paths.some((path) => MANAGED_FIELDS.startsWith(path) || path.startsWith(MANAGED_FIELDS));
    });
  }
  if (!isJsonObject(patch)) return true;
  const { metadata } = patch;
  if (metadata !== undefined && !isJsonObject(metadata)) return true;
  // A directive may speak of all that is there.
  return Object.keys(patch).some(isDirective) || Object.keys(metadata ?? {}).some(speaks);
}

function isDirective(name: string): boolean {
  return name.startsWith("$");
}

function speaks(name: string): boolean {
  return isDirective(name) || name === "managedFields";
}
