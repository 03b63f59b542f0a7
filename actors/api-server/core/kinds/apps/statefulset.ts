/** StatefulSets. Source: Kubernetes `pkg/apis/apps`. */
import type {
  StatefulSet,
  StatefulSetSpec,
  StatefulSetStatus,
  StatefulSetUpdateStrategy,
} from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PodTemplateSpec, Volume } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compileSelectorObject } from "../../../../../protocols/kubernetes/selectors.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, containerCells, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import { UnhonouredFields } from "../../machinery/unhonoured.ts";
import { validateClaimSpec } from "../../machinery/validation/claim.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { isSelector, validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { dns1123Label } from "../../machinery/validation/names.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import { claimSpecWarnings, defaultClaim, shownClaim } from "../core/claim-spec.ts";
import type { KindRules } from "../rules.ts";
import {
  isZero,
  retoldOfTemplate,
  templateWarnings,
  validateAtMostAll,
  validateCollisions,
  validateCounts,
  validateParts,
  validatePercentOrNumber,
  validatePodOfWorkload,
} from "./workload.ts";

export const statefulSetRules: KindRules = {
  name: dns1123Label,
  defaults: (object) => defaults(member(object, "spec")),
  validate: ({ spec }: StatefulSet, errors) => {
    validateSpec(spec ?? NO_SPEC, { immutables: true, template: true }, errors);
  },
  validateUpdate,
  validateStatusUpdate: ({ status = { replicas: 0 } }: StatefulSet, old: StatefulSet, errors) => {
    validateCounts(status, COUNTS, errors);
    validateParts(
      status,
      ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
      "status.readyReplicas",
      errors,
    );
    validateCollisions(status.collisionCount, old.status?.collisionCount, errors);
  },
  warnings: (object: StatefulSet) => [
    ...templateWarnings("spec.template.", object.spec?.template),
    ...ownWarnings(object),
    ...UNHONOURED.in("spec", (object.spec ?? {}) as JsonObject),
  ],
  retold: (object: StatefulSet, old: StatefulSet) => [
    ...retoldOfTemplate("spec.template.", object, old, object.spec?.template),
    ...ownWarnings(object),
  ],
  cells: (object: StatefulSet, nowMs): readonly Cell[] => [
    nameOf(object),
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    ageOf(object, nowMs),
    ...containerCells(object.spec?.template),
  ],
};

const UNHONOURED = new UnhonouredFields([
  {
    path: "volumeClaimTemplates",
    words: "claims are made, but nothing binds them yet: pods that name one stay Pending",
  },
]);

const NO_SPEC: StatefulSetSpec = { selector: {}, template: {} };

const COUNTS: readonly (keyof StatefulSetStatus)[] = [
  "replicas",
  "readyReplicas",
  "currentReplicas",
  "updatedReplicas",
  "availableReplicas",
  "observedGeneration",
  "collisionCount",
];

function defaults(spec: JsonObject): void {
  defaultPodSpec(member(member(spec, "template"), "spec"));
  setDefault(spec, "podManagementPolicy", "OrderedReady", "");
  const strategy = member(spec, "updateStrategy");
  if (!strategy["type"]) {
    strategy["type"] = "RollingUpdate";
    member(strategy, "rollingUpdate");
  }
  const rollingUpdate = objectIn(strategy, "rollingUpdate");
  if (strategy["type"] === "RollingUpdate" && rollingUpdate !== undefined) {
    setDefault(rollingUpdate, "partition", 0);
    setDefault(rollingUpdate, "maxUnavailable", 1);
  }
  const retention = member(spec, "persistentVolumeClaimRetentionPolicy");
  setDefault(retention, "whenDeleted", "Retain", "");
  setDefault(retention, "whenScaled", "Retain", "");
  setDefault(spec, "replicas", 1);
  setDefault(spec, "revisionHistoryLimit", 10);
  for (const claim of objectsIn(spec["volumeClaimTemplates"])) {
    claim["kind"] = "PersistentVolumeClaim";
    claim["apiVersion"] = "v1";
    defaultClaim(claim);
  }
}

/** What an update does not look at again. */
interface Scope {
  /** What can't change, and so is as it was, right or wrong. */
  readonly immutables: boolean;
  readonly template: boolean;
}

function validateSpec(spec: StatefulSetSpec, scope: Scope, errors: FieldErrors): void {
  const { podManagementPolicy: policy, selector, template } = spec;
  if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.invalid("spec.podManagementPolicy", policy ?? "", "must be 'OrderedReady' or 'Parallel'");
  }
  validateStrategy(spec.updateStrategy ?? {}, errors);
  for (const when of ["whenDeleted", "whenScaled"] as const) {
    const at = `spec.persistentVolumeClaimRetentionPolicy.${when}`;
    errors.oneOf(at, spec.persistentVolumeClaimRetentionPolicy?.[when], ["Retain", "Delete"]);
  }
  const claims = spec.volumeClaimTemplates ?? [];
  for (const [i, claim] of scope.immutables ? claims.entries() : []) {
    validateClaimSpec(`spec.volumeClaimTemplates[${i}].spec`, (claim.spec ?? {}) as JsonObject, errors);
  }
  errors.notNegative("spec.replicas", spec.replicas);
  errors.notNegative("spec.minReadySeconds", spec.minReadySeconds);
  errors.notNegative("spec.ordinals.start", spec.ordinals?.start);
  if (scope.immutables && spec.serviceName) {
    errors.all("spec.serviceName", spec.serviceName, dns1123Label(spec.serviceName));
  }
  validateSelector(spec, errors);
  if (!selector || isSelector(selector)) {
    const labels = template.metadata?.labels;
    if (!compileSelectorObject(selector ?? undefined).matches(labels ?? {})) {
      errors.invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`");
    }
    if (scope.template) validateTemplate("spec.template", asInPods(spec, template), errors);
  }
  validatePodOfWorkload("StatefulSet", template.spec, errors);
}

function validateSelector({ selector }: StatefulSetSpec, errors: FieldErrors): void {
  if (selector === undefined || selector === null) return errors.required("spec.selector");
  validateLabelSelector("spec.selector", selector, errors);
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0) {
    errors.invalid("spec.selector", selector, "empty selector is invalid for statefulset");
  }
  if (!isSelector(selector)) errors.invalid("spec.selector", selector, "");
}

/** Each pod gets its host name from the set, and volumes by the names of its claims. */
function asInPods({ volumeClaimTemplates = [] }: StatefulSetSpec, template: PodTemplateSpec): PodTemplateSpec {
  if (template.spec === undefined) return template;
  const { hostname: _hostname, subdomain: _subdomain, ...spec } = template.spec;
  const claimed = new Map(
    volumeClaimTemplates.map(({ metadata }): [string, Volume] => {
      const name = metadata?.name ?? "";
      return [name, { name, persistentVolumeClaim: { claimName: name } }];
    }),
  );
  const volumes = [...claimed.values(), ...(spec.volumes ?? []).filter(({ name }) => !claimed.has(name))];
  return { ...template, spec: { ...spec, volumes } };
}

function validateStrategy({ type, rollingUpdate }: StatefulSetUpdateStrategy, errors: FieldErrors): void {
  const at = "spec.updateStrategy";
  switch (type) {
    case "OnDelete": {
      if (!rollingUpdate) return;
      const shown = { Partition: rollingUpdate.partition ?? 0, MaxUnavailable: rollingUpdate.maxUnavailable ?? null };
      return errors.invalid(`${at}.rollingUpdate`, shown, "only allowed for updateStrategy 'RollingUpdate'");
    }
    case "RollingUpdate": {
      const unavailable = rollingUpdate?.maxUnavailable;
      errors.notNegative(`${at}.rollingUpdate.partition`, rollingUpdate?.partition);
      if (unavailable === undefined) return;
      validatePercentOrNumber(`${at}.rollingUpdate.maxUnavailable`, unavailable, errors);
      if (isZero(unavailable)) errors.invalid(`${at}.rollingUpdate.maxUnavailable`, unavailable, "cannot be 0");
      return validateAtMostAll(`${at}.rollingUpdate.maxUnavailable`, unavailable, errors);
    }
    // Switched off in Kubernetes.
    case "Recreate":
    case undefined:
    default: {
      const shown = {
        Type: type ?? "",
        RollingUpdate: rollingUpdate
          ? { Partition: rollingUpdate.partition ?? 0, MaxUnavailable: rollingUpdate.maxUnavailable ?? null }
          : null,
      };
      errors.invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'");
    }
  }
}

function validateUpdate(object: StatefulSet, old: StatefulSet, errors: FieldErrors): void {
  const [spec, before] = [object.spec ?? NO_SPEC, old.spec ?? NO_SPEC];
  const wasWrong = new FieldErrors();
  validateSpec(before, { immutables: false, template: true }, wasWrong);
  validateSpec(spec, { immutables: false, template: wasWrong.causes.length === 0 }, errors);
  immutable("spec.selector", spec.selector, before.selector, errors);
  const claims = [spec, before].map((of) => of.volumeClaimTemplates?.map(shownClaim));
  immutable("spec.volumeClaimTemplates", claims[0], claims[1], errors);
  immutable("spec.serviceName", spec.serviceName, before.serviceName, errors);
  immutable("spec.podManagementPolicy", spec.podManagementPolicy, before.podManagementPolicy, errors);
}

function ownWarnings({ spec }: StatefulSet): readonly string[] {
  const history = spec?.revisionHistoryLimit ?? 0;
  const claims = spec?.volumeClaimTemplates ?? [];
  return [
    ...claims.flatMap((claim, i) => claimSpecWarnings(`spec.volumeClaimTemplates[${i}]`, claim.spec)),
    ...(history < 0
      ? ["spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"]
      : []),
  ];
}
