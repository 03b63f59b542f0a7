/** CSIDrivers. Source: Kubernetes `pkg/apis/storage`. */
import type { CSIDriver, TokenRequest } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, setDefault } from "../../machinery/default-values.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import type { KindRules } from "../rules.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

export const csiDriverRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object) => defaults(member(object, "spec")),
  // Counted from the first change on.
  prepareUpdate: (object, old) => {
    if (equalJson(object["spec"], old["spec"])) return object;
    return { ...object, metadata: { ...object.metadata, generation: (old.metadata?.generation ?? 0) + 1 } };
  },
  validate,
  validateUpdate: (object: CSIDriver, old: CSIDriver, errors) => {
    validate(object, errors);
    immutable("spec.attachedRequired", object.spec.attachRequired, old.spec.attachRequired, errors);
    immutable("spec.volumeLifecycleModes", object.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, errors);
  },
  warnings: ({ spec }: CSIDriver) =>
    (spec.tokenRequests ?? []).length > 0 && spec.serviceAccountTokenInSecrets === undefined ? [TOKENS_LOGGED] : [],
  cells,
};

const TOKENS_LOGGED =
  "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";

function defaults(spec: JsonObject): void {
  setDefault(spec, "attachRequired", true);
  setDefault(spec, "podInfoOnMount", false);
  setDefault(spec, "storageCapacity", false);
  setDefault(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
  const modes = spec["volumeLifecycleModes"];
  if (!Array.isArray(modes) || modes.length === 0) spec["volumeLifecycleModes"] = ["Persistent"];
  setDefault(spec, "requiresRepublish", false);
  setDefault(spec, "seLinuxMount", false);
  setDefault(spec, "preventPodSchedulingIfMissing", false);
}

const UPDATE_PERIOD_MIN_SECONDS = 10;

function validate({ spec }: CSIDriver, errors: FieldErrors): void {
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes: modes = [] } = spec;
  if (fsGroupPolicy !== undefined) {
    errors.oneOf("spec.fsGroupPolicy", fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"]);
  }
  validateTokenRequests("spec.tokenRequests", tokenRequests, errors);
  for (const mode of modes) errors.oneOf("spec.volumeLifecycleModes", mode, ["Persistent", "Ephemeral"]);
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < UPDATE_PERIOD_MIN_SECONDS) {
    const detail = `must be greater than or equal to ${UPDATE_PERIOD_MIN_SECONDS} seconds`;
    errors.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, detail);
  }
  const inSecrets = spec.serviceAccountTokenInSecrets;
  if (inSecrets !== undefined && tokenRequests.length === 0) {
    const detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    errors.invalid("spec.serviceAccountTokenInSecrets", inSecrets, detail);
  }
}

const EXPIRATION_MIN_SECONDS = 600;

function validateTokenRequests(at: string, requests: readonly TokenRequest[], errors: FieldErrors): void {
  const repeated = repeatedAt(requests.map((each) => each.audience));
  for (const [i, { audience, expirationSeconds: seconds }] of requests.entries()) {
    if (repeated.has(i)) {
      errors.duplicate(`${at}[${i}].audience`, audience);
      continue;
    }
    if (seconds === undefined) continue;
    const here = `${at}[${i}].expirationSeconds`;
    if (seconds < EXPIRATION_MIN_SECONDS) {
      errors.invalid(here, seconds, "may not specify a duration less than 10 minutes");
    }
    if (seconds > 2 ** 32) errors.invalid(here, seconds, "may not specify a duration larger than 2^32 seconds");
  }
}

function cells(object: CSIDriver, nowMs: number): readonly Cell[] {
  const { spec } = object;
  return [
    nameOf(object),
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    spec.tokenRequests === undefined ? "<unset>" : spec.tokenRequests.map(({ audience }) => audience).join(","),
    spec.requiresRepublish ?? false,
    (spec.volumeLifecycleModes ?? []).join(",") || "<none>",
    ageOf(object, nowMs),
  ];
}
