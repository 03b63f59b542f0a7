/** The hooks of a custom resource. Source: apiextensions-apiserver `registry/customresource/strategy.go` and `status_strategy.go`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type {
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Fields, KindRules, ScalePaths } from "../kinds/rules.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import type { Stepped } from "../steps.ts";
import { cellsOf } from "./columns.ts";
import { prune, readStored, setDefaults } from "./pruning.ts";
import type { Schema } from "./schema.ts";
import { checkKind, validateCustom, validateCustomStatus } from "./validation.ts";
import type { SchemasByVersion, VersionSchema } from "./version-schema.ts";
import { schemaIn } from "./version-schema.ts";

/** How objects are dealt with inside of the server. */
export interface Storage {
  readonly info: ResourceInfo;
  readonly schema: VersionSchema;
}

/**
 * @param stored the version in which objects are dealt with: of `info` itself, unless the strategy `None` converts them
 * @param deprecated what every request of the version is told; undefined: nothing
 */
export function customRules(
  info: ResourceInfo,
  version: CustomResourceDefinitionVersion,
  schemas: SchemasByVersion,
  stored: Storage,
  deprecated: string | undefined,
): KindRules {
  const schema = schemaIn(schemas, version);
  const { subresources } = version;
  const scale = subresources?.scale === undefined ? undefined : scalePathsOf(subresources.scale);
  const checked = (object: Fields, old: Fields | undefined, errors: FieldErrors): Stepped<void> =>
    checkKind(object, info, errors) ? undefined : validateCustom(object, old, schema, scale, errors);
  return {
    generation: true,
    plainFinalizers: true,
    ...(subresources?.status === undefined ? {} : { status: "empty", prepareCreate: withoutStatus }),
    ...(subresources?.status === undefined ? {} : { prepareStatusUpdate: ownMetadata }),
    ...(scale === undefined ? {} : { scale }),
    defaults: (object: JsonObject) => setDefaults(object, schema.root),
    read: (object) => readIn(info, schema, schemas, object),
    validate: (object: Fields, errors) => checked(object, undefined, errors),
    validateUpdate: (object: Fields, old: Fields, errors) => checked(object, old, errors),
    validateStatusUpdate: (object: Fields, old: Fields, errors) =>
      validateCustomStatus(object, old, schema, scale, errors),
    warnings: (object: KubernetesObject) => finalizerWarnings(object),
    cells: cellsOf(version),
    ...(deprecated === undefined ? {} : { deprecated }),
    ...(stored.info === info
      ? {}
      : {
          convert: {
            toServed: inVersion({ info, schema }, readStored),
            toStored: inVersion(stored, fitted),
          },
        }),
  };
}

/**
 * Versions of the conversion strategy `None` differ in their apiVersion, and in what their schemas have.
 * @param fit makes of an object one of the version's schema
 */
function inVersion(
  { info: { apiVersion }, schema }: Storage,
  fit: (object: KubernetesObject, root: Schema) => KubernetesObject,
): (object: KubernetesObject) => KubernetesObject {
  return (object) => (object.apiVersion === apiVersion ? object : fit({ ...object, apiVersion }, schema.root));
}

/** What was stored in another version has the defaults of that version, and what of its fields this one has. */
function readIn(
  { apiVersion, group }: ResourceInfo,
  schema: VersionSchema,
  schemas: SchemasByVersion,
  object: KubernetesObject,
): KubernetesObject {
  const written =
    object.apiVersion === apiVersion ? undefined : schemas.get(object.apiVersion?.slice(group.length + 1) ?? "");
  if (written === undefined) return readStored(object, schema.root);
  return prune({ ...readStored(object, written.root), apiVersion }, schema.root, true).value;
}

function fitted(object: KubernetesObject, root: Schema): KubernetesObject {
  const { value } = prune(object, root, true);
  setDefaults(value, root);
  return value;
}

function withoutStatus(object: Fields): Fields {
  const { status: _status, ...rest } = object;
  return rest;
}

/** Through the status nothing else changes, the metadata neither. */
function ownMetadata(object: Fields, { metadata = {} }: Fields): Fields {
  return { ...object, metadata };
}

function scalePathsOf(scale: CustomResourceSubresourceScale): ScalePaths {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = "" } = scale;
  return {
    specReplicas: stepsOf(specReplicasPath),
    statusReplicas: stepsOf(statusReplicasPath),
    ...(labelSelectorPath === "" ? {} : { selector: stepsOf(labelSelectorPath) }),
  };
}

function stepsOf(path: string): readonly string[] {
  return path.replace(/^\./, "").split(".");
}

const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function finalizerWarnings({ metadata }: KubernetesObject): readonly string[] {
  return [...new Set(metadata?.finalizers ?? [])].sort().flatMap((name) => {
    if (name.includes("/") || STANDARD_FINALIZERS.has(name)) return [];
    const better = name.includes(".")
      ? "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"
      : "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers";
    return [`metadata.finalizers: ${JSON.stringify(name)}: ${better}`];
  });
}
