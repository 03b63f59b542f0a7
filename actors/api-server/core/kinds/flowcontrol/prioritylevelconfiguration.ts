/** PriorityLevelConfigurations. Source: Kubernetes `pkg/apis/flowcontrol`, apiserver `pkg/util/shufflesharding`. */
import type {
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from "../../../../../protocols/kubernetes/types/flowcontrol-v1.ts";
import { PRIORITY_LEVELS } from "../../bootstrap/flow-control.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";
import { validateConditionTypes } from "./flowschema.ts";

export const priorityLevelConfigurationRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  defaults: (object) => defaults(member(object, "spec")),
  statusKeepsMetadata: true,
  validate,
  validateStatusUpdate: ({ status }: PriorityLevelConfiguration, _old: PriorityLevelConfiguration, errors) =>
    validateConditionTypes(status, errors),
  cells,
};

function defaults(spec: JsonObject): void {
  const exempt = objectIn(spec, "exempt");
  if (exempt !== undefined) {
    setDefault(exempt, "nominalConcurrencyShares", 0);
    setDefault(exempt, "lendablePercent", 0);
  }
  const limited = objectIn(spec, "limited");
  if (limited === undefined) return;
  setDefault(limited, "nominalConcurrencyShares", 30);
  setDefault(limited, "lendablePercent", 0);
  const queuing = objectIn(objectIn(limited, "limitResponse") ?? {}, "queuing");
  if (queuing === undefined) return;
  setDefault(queuing, "handSize", 8, 0);
  setDefault(queuing, "queues", 64, 0);
  setDefault(queuing, "queueLengthLimit", 50, 0);
}

function validate(object: PriorityLevelConfiguration, errors: FieldErrors): void {
  const { type = "" as string, limited, exempt } = object.spec ?? {};
  const name = nameOf(object);
  if ((name === "exempt") !== (type === "Exempt")) {
    errors.invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'");
  }
  if (type === "") errors.required("spec.type");
  else errors.oneOf("spec.type", type, ["Exempt", "Limited"]);
  if (limited && type !== "Limited") errors.forbidden("spec.limited", "");
  if (exempt && type !== "Exempt") errors.forbidden("spec.exempt", "");
  if (type === "Exempt" && exempt) {
    validateShares("spec.exempt.nominalConcurrencyShares", exempt.nominalConcurrencyShares, errors);
    validateLendable("spec.exempt.lendablePercent", exempt.lendablePercent, errors);
  }
  if (type === "Limited") {
    if (limited) validateLimited("spec.limited", limited, errors);
    else errors.required("spec.limited");
  }
  validateMandatory(name, object, errors);
}

/** What these two are is fixed, but for the share of the one that has no limit. */
function validateMandatory(name: string, { spec }: PriorityLevelConfiguration, errors: FieldErrors): void {
  const wanted = PRIORITY_LEVELS[name];
  if (wanted === undefined) return;
  if (name === "exempt" && !equalJson({ ...spec, exempt: null }, { ...wanted, exempt: null })) {
    const detail = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value";
    errors.invalid("spec", spec, detail);
  } else if (name === "catch-all" && !equalJson(spec, wanted)) {
    errors.invalid("spec", spec, "spec of 'catch-all' must equal the fixed value");
  }
}

function validateShares(field: string, shares: number | undefined, errors: FieldErrors): void {
  if (shares !== undefined && shares < 0) errors.invalid(field, shares, "must be a non-negative integer");
}

function validateLendable(field: string, percent: number | undefined, errors: FieldErrors): void {
  if (percent !== undefined) errors.inRange(field, percent, 0, 100);
}

function validateLimited(at: string, limited: LimitedPriorityLevelConfiguration, errors: FieldErrors): void {
  const { nominalConcurrencyShares, lendablePercent, borrowingLimitPercent: borrowed, limitResponse } = limited;
  validateShares(`${at}.nominalConcurrencyShares`, nominalConcurrencyShares, errors);
  const { type = "" as string, queuing } = limitResponse ?? {};
  const here = `${at}.limitResponse`;
  if (type === "") errors.required(`${here}.type`);
  else errors.oneOf(`${here}.type`, type, ["Queue", "Reject"]);
  if (queuing && type !== "Queue") errors.forbidden(`${here}.queuing`, "");
  if (type === "Queue") {
    if (queuing) validateQueuing(`${here}.queuing`, queuing, errors);
    else errors.required(`${here}.queuing`);
  }
  validateLendable(`${at}.lendablePercent`, lendablePercent, errors);
  if (borrowed !== undefined && borrowed < 0) {
    errors.invalid(`${at}.borrowingLimitPercent`, borrowed, "if specified, must be a non-negative integer");
  }
}

const QUEUES_MAX = 10_000_000;
/** Bits of the hash of which a hand of queues is dealt. */
const HASH_BITS = 60;

function validateQueuing(at: string, queuing: QueuingConfiguration, errors: FieldErrors): void {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0) errors.invalid(`${at}.queueLengthLimit`, queueLengthLimit, "must be positive");
  if (queues <= 0) errors.invalid(`${at}.queues`, queues, "must be positive");
  else if (queues > QUEUES_MAX) errors.invalid(`${at}.queues`, queues, `must not be greater than ${QUEUES_MAX}`);
  if (handSize <= 0) errors.invalid(`${at}.handSize`, handSize, "must be positive");
  else if (handSize > queues) {
    errors.invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`);
  } else if (Math.ceil(Math.log2(queues) * handSize) > HASH_BITS) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS}`;
    errors.invalid(`${at}.handSize`, handSize, detail);
  }
}

function cells(object: PriorityLevelConfiguration, nowMs: number): readonly Cell[] {
  const { type = "", limited } = object.spec ?? {};
  const queuing = limited?.limitResponse?.queuing;
  const shown = (value: number | undefined): Cell => value ?? "<none>";
  return [
    nameOf(object),
    type,
    shown(limited?.nominalConcurrencyShares),
    shown(queuing?.queues),
    shown(queuing?.handSize),
    shown(queuing?.queueLengthLimit),
    ageOf(object, nowMs),
  ];
}
