/** Where a CustomResourceDefinition is between its creation and its end. */
import type { CustomResourceDefinition } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";

export function hasCondition({ status }: CustomResourceDefinition, wanted: string): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === wanted && value === "True") === true;
}
