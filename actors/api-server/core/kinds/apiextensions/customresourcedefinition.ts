/** CustomResourceDefinitions. Source: apiextensions-apiserver `registry/customresourcedefinition`, `apis/apiextensions/v1/defaults.go`. */
import type {
  CustomResourceDefinition,
  JSONSchemaProps,
} from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { storedVersionsOf } from "../../custom/conditions.ts";
import { validateDefinition, validateDefinitionStatus, validateDefinitionUpdate } from "../../custom/definition.ts";
import { beginDeletion } from "../../custom/lifecycle.ts";
import { isRecognizedFormat } from "../../custom/formats.ts";
import { schemasIn } from "../../custom/schema-walk.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { cloneJson } from "../../machinery/json-value.ts";
import { member, objectIn, setDefault } from "../../machinery/default-values.ts";
import type { Fields, KindRules } from "../rules.ts";

export const customResourceDefinitionRules: KindRules = {
  generation: true,
  status: "empty",
  plainFinalizers: true,
  // It has to be that of the resource and its group, which says more than any form could.
  name: () => [],
  copy: copyBesidesVersions,
  defaults: setDefaults,
  prepareCreate: (object) => withStoredVersions({ ...object, status: NO_STATUS }),
  prepareUpdate: withStoredVersions,
  prepareStatusUpdate: withStoredVersions,
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  validateStatusUpdate: validateDefinitionStatus,
  warnings: warningsOf,
  cells: ({ metadata, spec, status }: CustomResourceDefinition) => [
    metadata?.name ?? "",
    spec.scope,
    spec.versions.map(({ name, storage }) => (storage ? `${name}(storage)` : name)).join(","),
    metadata?.creationTimestamp ?? "",
    spec.group,
    spec.names.kind,
    (spec.names.shortNames ?? []).join(","),
    (status?.conditions ?? []).some((each) => each.type === "Established" && each.status === "True"),
  ],
  beginDeletion,
  failedPrecondition: "precondition failed",
};

const NO_STATUS = { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions: null };

/** Schemas are large, and have no defaults. */
function copyBesidesVersions(object: JsonObject): JsonObject {
  const spec = objectIn(object, "spec");
  if (spec === undefined) return cloneJson(object);
  const { versions, ...others } = spec;
  return { ...object, spec: { ...cloneJson(others), ...(versions === undefined ? {} : { versions }) } };
}

function setDefaults(object: JsonObject): void {
  const spec = member(object, "spec");
  const names = member(spec, "names");
  const kind = typeof names["kind"] === "string" ? names["kind"] : "";
  if (kind !== "") setDefault(names, "singular", kind.toLowerCase(), "");
  if (kind !== "") setDefault(names, "listKind", `${kind}List`, "");
  setDefault(spec, "conversion", { strategy: "None" });
  const conversion = objectIn(spec, "conversion");
  const webhook = conversion === undefined ? undefined : objectIn(conversion, "webhook");
  const client = webhook === undefined ? undefined : objectIn(webhook, "clientConfig");
  const service = client === undefined ? undefined : objectIn(client, "service");
  if (service !== undefined) setDefault(service, "port", 443);
}

function withStoredVersions(object: Fields): Fields {
  const crd = object as unknown as CustomResourceDefinition;
  const storedVersions = storedVersionsOf(crd);
  if (storedVersions === crd.status?.storedVersions) return object;
  return { ...object, status: { ...crd.status, storedVersions } };
}

function warningsOf({ spec }: CustomResourceDefinition): readonly string[] {
  const formats: string[] = [];
  const sets = new Set<string>();
  for (const version of spec.versions ?? []) {
    for (const schema of schemasIn(version.schema?.openAPIV3Schema)) {
      const { type = "", format = "" } = schema;
      if (!isRecognizedFormat(type, format)) formats.push(`unrecognized format ${JSON.stringify(format)}`);
      const item = schema["x-kubernetes-list-type"] === "set" ? itemTypeOf(schema) : "";
      if (item === "object" || item === "array") sets.add(item);
    }
  }
  const unmergeable = [...sets].sort().map((type) => {
    const items = `x-kubernetes-list-type: set for items of type ${JSON.stringify(type)}`;
    return `${items} is not supported by server-side apply or CEL validation rules`;
  });
  return [...formats, ...unmergeable];
}

function itemTypeOf({ items }: JSONSchemaProps): string {
  return items === undefined || Array.isArray(items) ? "" : ((items as JSONSchemaProps).type ?? "");
}
