/** Selectors of devices in CEL. Source: `k8s.io/dynamic-resource-allocation/cel/compile.go`, Kubernetes `pkg/apis/resource/validation`. */
import type { DeviceSelector } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { compileCel } from "../../cel/compile.ts";
import type { Compiled } from "../../cel/compile.ts";
import { BASE_OVERLOADS } from "../../cel/overloads.ts";
import type { CelEnvironment } from "../../cel/type-check.ts";
import { structFields } from "../../cel/type-check.ts";
import { ANY_TYPE, BOOL_TYPE, STRING_TYPE, fullTypeName, mapType, sameType, structType } from "../../cel/types.ts";
import { validateCompiled } from "../../machinery/validation/expression-errors.ts";
import type { DeviceErrors } from "./device-errors.ts";

const DEVICE = "kubernetes.DRADevice";

const deviceFields = structFields({
  driver: STRING_TYPE,
  allowMultipleAllocations: BOOL_TYPE,
  attributes: mapType(STRING_TYPE, mapType(STRING_TYPE, ANY_TYPE)),
  capacity: mapType(STRING_TYPE, mapType(STRING_TYPE, structType("kubernetes.Quantity"))),
});

const ENVIRONMENT: CelEnvironment = {
  variables: new Map([["device", structType(DEVICE)]]),
  overloads: BASE_OVERLOADS,
  bind: true,
  fieldsOf: (struct) => (struct === DEVICE ? deviceFields : undefined),
};

const SELECTORS_MAX = 32;
const EXPRESSION_BYTES_MAX = 10 * 1024;

/** @param stored whether they stay as they are, and their expressions were compiled before */
export function validateSelectors(
  field: string,
  selectors: readonly DeviceSelector[],
  stored: boolean,
  { byHand, declared }: DeviceErrors,
): void {
  if (selectors.length > SELECTORS_MAX) return declared.tooMany(field, selectors.length, SELECTORS_MAX);
  for (const [i, { cel }] of selectors.entries()) {
    if (!cel) byHand.required(`${field}[${i}].cel`);
    else if (!stored) {
      const { expression = "" } = cel;
      const at = `${field}[${i}].cel.expression`;
      if (expression.length > EXPRESSION_BYTES_MAX) byHand.tooLong(at, EXPRESSION_BYTES_MAX);
      else validateCompiled(at, expression, compiled(expression), byHand);
    }
  }
}

function compiled(expression: string): Compiled {
  const found = compileCel(expression, ENVIRONMENT);
  if ("problem" in found || [ANY_TYPE, BOOL_TYPE].some((type) => sameType(type, found.type))) return found;
  return { problem: `must evaluate to bool or the unknown type, not ${fullTypeName(found.type)}` };
}
