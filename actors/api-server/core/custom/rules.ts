/** The hooks of a custom resource. Source: apiextensions-apiserver `registry/customresource/strategy.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { CustomResourceDefinitionVersion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Fields, KindRules } from "../kinds/rules.ts";

/** @param stored the resource in the version in which objects are stored */
export function customRules(
  info: ResourceInfo,
  { subresources }: CustomResourceDefinitionVersion,
  stored: ResourceInfo,
): KindRules {
  return {
    generation: true,
    ...(subresources?.status === undefined
      ? {}
      : { status: "empty", prepareCreate: withoutStatus, prepareStatusUpdate: ownMetadata }),
    ...(stored === info ? {} : { convert: { toServed: inVersion(info), toStored: inVersion(stored) } }),
  };
}

/** Versions of the conversion strategy `None` differ in their apiVersion only. */
function inVersion({ apiVersion }: ResourceInfo): (object: KubernetesObject) => KubernetesObject {
  return (object) => ({ ...object, apiVersion });
}

function withoutStatus(object: Fields): Fields {
  const { status: _status, ...rest } = object;
  return rest;
}

/** Through the status nothing else changes, the metadata neither. */
function ownMetadata(object: Fields, { metadata = {} }: Fields): Fields {
  return { ...object, metadata };
}
