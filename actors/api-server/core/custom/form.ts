/** What objects of a custom resource look like, as its schema says. */
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { CustomResourceDefinitionVersion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ObjectForm } from "../catalog/form.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import { badRequest } from "../machinery/status.ts";

/** Strategic merge patches need merge keys of Go types: there are none of custom resources. */
export function customForm({ apiVersion, kind }: ResourceInfo, _version: CustomResourceDefinitionVersion): ObjectForm {
  return {
    apiVersion,
    kind,
    type: undefined,
    decode: ({ value }) => {
      if (!isJsonObject(value)) throw badRequest("the body of the request is no object");
      return { object: { ...value, apiVersion, kind } as KubernetesObject, warnings: [] };
    },
  };
}
