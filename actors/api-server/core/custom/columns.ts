/** The columns of a Table of custom resources. Source: apiextensions-apiserver `registry/customresource/tableconvertor`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ColumnInfo } from "../../../../protocols/kubernetes/resources.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Cell } from "../machinery/cells.ts";
import { nameOf } from "../machinery/cells.ts";
import { age } from "../machinery/duration.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import { parseTimeMs } from "../machinery/time.ts";
import { goFloat, goJson } from "../machinery/go-text.ts";
import type { JsonPath } from "./json-path.ts";
import { find, parseJsonPath } from "./json-path.ts";

const NAME: ColumnInfo = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  priority: 0,
};

/** What a definition without columns shows. */
const AGE: CustomResourceColumnDefinition = {
  name: "Age",
  type: "date",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
  jsonPath: ".metadata.creationTimestamp",
};

interface Column {
  readonly definition: CustomResourceColumnDefinition;
  readonly path: JsonPath;
}

/** Up to the first whose path can't be read; those after it are not shown either. */
function readColumns({ additionalPrinterColumns = [] }: CustomResourceDefinitionVersion): readonly Column[] {
  const columns: Column[] = [];
  for (const definition of additionalPrinterColumns.length === 0 ? [AGE] : additionalPrinterColumns) {
    const path = parseJsonPath(definition.jsonPath);
    if (path === undefined) break;
    columns.push({ definition, path });
  }
  return columns;
}

export function columnsOf(version: CustomResourceDefinitionVersion): readonly ColumnInfo[] {
  const own = readColumns(version).map(({ definition }) => {
    const { name, type, format = "", description = "", priority = 0, jsonPath } = definition;
    const said =
      description === "" ? `Custom resource definition column (in JSONPath format): ${jsonPath}` : description;
    return { name, type: type as ColumnInfo["type"], format, description: said, priority };
  });
  return [NAME, ...own];
}

/** One cell for each of `columnsOf`. */
export function cellsOf(
  version: CustomResourceDefinitionVersion,
): (object: KubernetesObject, nowMs: number) => readonly Cell[] {
  const columns = readColumns(version);
  return (object, nowMs) => [
    nameOf(object),
    ...columns.map(({ definition, path }) => {
      const found = find(path, object);
      return found === undefined || found.length === 0 ? null : cellOf(definition.type, found[0], nowMs);
    }),
  ];
}

function cellOf(type: string, value: unknown, nowMs: number): Cell {
  switch (type) {
    case "string":
      return textOf(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      if (typeof value !== "string") return null;
      return value === "" || parseTimeMs(value) !== undefined ? age(value, nowMs) : "<invalid>";
  }
  return null;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "<no value>";
  if (Array.isArray(value) || isJsonObject(value)) return goJson(value);
  return typeof value === "number" && !Number.isInteger(value) ? goFloat(value) : String(value as number | boolean);
}
