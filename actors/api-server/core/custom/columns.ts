/** The columns of a Table of custom resources. Source: apiextensions-apiserver `registry/customresource/tableconvertor`. */
import type { ColumnInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { CustomResourceDefinitionVersion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";

const NAME: ColumnInfo = { name: "Name", type: "string", format: "name", priority: 0 };
const AGE: ColumnInfo = { name: "Age", type: "date", format: "", priority: 0 };

/** The name, and the columns of the definition; without any, the age. */
export function columnsOf({ additionalPrinterColumns }: CustomResourceDefinitionVersion): readonly ColumnInfo[] {
  if (additionalPrinterColumns === undefined || additionalPrinterColumns.length === 0) return [NAME, AGE];
  return [
    NAME,
    ...additionalPrinterColumns.map(({ name, type, format = "", description = "", priority = 0, jsonPath }) => ({
      name,
      type: type as ColumnInfo["type"],
      format,
      description:
        description === "" ? `Custom resource definition column (in JSONPath format): ${jsonPath}` : description,
      priority,
    })),
  ];
}
