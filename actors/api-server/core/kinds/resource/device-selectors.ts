/** Selectors of devices in CEL. Source: `k8s.io/dynamic-resource-allocation/cel/compile.go`, Kubernetes `pkg/apis/resource/validation`. */
import type { DeviceSelector } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { compileCel } from "../../cel/compile.ts";
import type { Pace, Steps } from "../../steps.ts";
import type { Compiled } from "../../cel/compile.ts";
import { estimateCost } from "../../cel/cost.ts";
import { BASE_OVERLOADS } from "../../cel/overloads.ts";
import type { CelEnvironment } from "../../cel/type-check.ts";
import type { Sized } from "../../cel/sizes.ts";
import { structFields } from "../../cel/type-check.ts";
import { ANY_TYPE, BOOL_TYPE, STRING_TYPE, fullTypeName, mapType, sameType, structType } from "../../cel/types.ts";
import { validateCompiled } from "../../machinery/validation/expression-errors.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
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

/** How large its parts get. Source: `k8s.io/api/resource/v1`. */
const PROPERTIES_MAX = 32;
const DOMAIN: Sized = { max: 63 };
const NAME: Sized = { max: 32 };

function byDomain(value: Sized): Sized {
  return { max: PROPERTIES_MAX, keys: DOMAIN, items: { max: PROPERTIES_MAX, keys: NAME, items: value } };
}

const DEVICE_SIZE: Sized = {
  max: 1,
  fields: new Map([
    ["driver", { max: 63 }],
    ["allowMultipleAllocations", { max: 1 }],
    ["attributes", byDomain({ max: 64 })],
    ["capacity", byDomain({ max: 1 })],
  ]),
};
const COST_MAX = 1_000_000;

const SELECTORS_MAX = 32;
const EXPRESSION_BYTES_MAX = 10 * 1024;

/** @param stored whether they stay as they are, and their expressions were compiled before */
export function* validateSelectors(
  field: string,
  selectors: readonly DeviceSelector[],
  stored: boolean,
  pace: Pace,
  { byHand, declared }: DeviceErrors,
): Steps<void> {
  if (selectors.length > SELECTORS_MAX) return declared.tooMany(field, selectors.length, SELECTORS_MAX);
  for (const [i, { cel }] of selectors.entries()) {
    if (!cel) byHand.required(`${field}[${i}].cel`);
    else if (!stored) {
      const { expression } = cel;
      const at = `${field}[${i}].cel.expression`;
      if (expression.length > EXPRESSION_BYTES_MAX) byHand.tooLong(at, EXPRESSION_BYTES_MAX);
      else yield* validateExpression(at, expression, pace, byHand);
    }
  }
}

function* validateExpression(field: string, expression: string, pace: Pace, errors: FieldErrors): Steps<void> {
  const found = yield* compiled(expression, pace);
  validateCompiled(field, expression, found, errors);
  if ("type" in found && estimateCost(found, DEVICE_SIZE) > COST_MAX) {
    errors.forbidden(field, "too complex, exceeds cost limit");
  }
}

function* compiled(expression: string, pace: Pace): Steps<Compiled> {
  const found = yield* compileCel(expression, ENVIRONMENT, pace);
  if ("problem" in found || [ANY_TYPE, BOOL_TYPE].some((type) => sameType(type, found.type))) return found;
  return { problem: `must evaluate to bool or the unknown type, not ${fullTypeName(found.type)}` };
}
