/** DeviceTaintRules. Source: Kubernetes `pkg/apis/resource`, `pkg/registry/resource/devicetaintrule`. */
import type { DeviceTaintRule } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { age } from "../../machinery/duration.ts";
import { objectIn, setDefault } from "../../machinery/default-values.ts";
import { formatTime } from "../../machinery/time.ts";
import { validateConditions } from "../../machinery/validation/conditions.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { Fields, KindRules } from "../rules.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { inOrder } from "./device-errors.ts";
import { validateDriver, validateLabelName, validatePool } from "./device-names.ts";
import { validateTaint } from "./device-taints.ts";

type Rule = DeviceTaintRule;

const CONDITIONS_MAX = 8;

export const deviceTaintRuleRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  statusKeepsMetadata: true,
  defaults: (object, nowMs) => {
    const taint = objectIn(objectIn(object, "spec") ?? {}, "taint");
    if (taint !== undefined && nowMs !== undefined) setDefault(taint, "timeAdded", formatTime(nowMs));
  },
  // A taint that is sent without its time has the one that it had.
  prepareUpdate: (object, old) => withTime(object as Fields & Rule, (old as Fields & Rule).spec?.taint?.timeAdded),
  validate: (object: Rule, errors) => inOrder(errors, (found) => validate(object, undefined, found)),
  validateUpdate: (object: Rule, old: Rule, errors) => inOrder(errors, (found) => validate(object, old, found)),
  validateStatusUpdate: ({ status }: Rule, _old: Rule, errors) => {
    const conditions = status?.conditions ?? [];
    validateConditions("status.conditions", conditions, errors);
    if (conditions.length > CONDITIONS_MAX) errors.tooMany("status.conditions", conditions.length, CONDITIONS_MAX);
  },
  cells: ({ spec, ...object }: Rule, nowMs) => {
    const { key = "", value = "", effect = "", timeAdded } = spec?.taint ?? {};
    return [
      nameOf(object),
      key,
      value,
      effect,
      timeAdded === undefined ? "" : age(timeAdded, nowMs),
      ageOf(object, nowMs),
    ];
  },
};

function withTime(object: Fields & Rule, time: string | undefined): Fields {
  const { spec } = object;
  if (spec?.taint === undefined || spec.taint.timeAdded !== undefined || time === undefined) return object;
  return { ...object, spec: { ...spec, taint: { ...spec.taint, timeAdded: time } } };
}

function validate({ spec }: Rule, old: Rule | undefined, errors: DeviceErrors): void {
  const { driver, pool, device } = spec?.deviceSelector ?? {};
  const { byHand } = errors;
  if (driver !== undefined) validateDriver("spec.deviceSelector.driver", driver, byHand);
  if (pool !== undefined) validatePool("spec.deviceSelector.pool", pool, byHand);
  if (device !== undefined) validateLabelName("spec.deviceSelector.device", device, byHand);
  validateTaint("spec.taint", spec?.taint ?? {}, old === undefined ? undefined : (old.spec?.taint ?? {}), errors);
}
