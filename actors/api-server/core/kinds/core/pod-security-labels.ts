/** Labels of a namespace that name a Pod Security Standard. Source: pod-security-admission `api/helpers.go`; KEP-2579. */
import type { Namespace } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";

const PREFIX = "pod-security.kubernetes.io/";
const MODES = ["enforce", "audit", "warn"] as const;
const LEVELS = ["privileged", "baseline", "restricted"];
const VERSION = /^v1\.([0-9]|[1-9][0-9]*)$/;

interface Wrong {
  readonly field: string;
  readonly value: string;
  readonly detail: string;
}

function wrongLabels({ metadata }: Namespace): readonly Wrong[] {
  const { labels = {} } = metadata ?? {};
  const found: Wrong[] = [];
  const check = (label: string, isRight: (value: string) => boolean, detail: string): void => {
    const value = labels[label];
    if (value !== undefined && !isRight(value)) found.push({ field: `metadata.labels[${label}]`, value, detail });
  };
  for (const mode of MODES) {
    check(`${PREFIX}${mode}`, (level) => LEVELS.includes(level), `must be one of ${LEVELS.join(", ")}`);
    const isVersion = (version: string): boolean => version === "latest" || VERSION.test(version);
    check(`${PREFIX}${mode}-version`, isVersion, 'must be "latest" or "v1.x"');
  }
  return found;
}

/** @param old absent of a creation; what is wrong in it may stay, as long as nothing else is */
export function validatePodSecurityLabels(object: Namespace, old: Namespace | undefined, errors: FieldErrors): void {
  const wrong = wrongLabels(object);
  if (wrong.length === 0) return;
  if (old !== undefined && JSON.stringify(wrongLabels(old)) === JSON.stringify(wrong)) return;
  for (const { field, value, detail } of wrong) errors.invalid(field, value, detail);
}

/** Of each label that asks for more than everything. */
export function podSecurityWarnings({ metadata }: Namespace): readonly string[] {
  return MODES.map((mode) => `${PREFIX}${mode}`)
    .filter((label) => (metadata?.labels?.[label] ?? "privileged") !== "privileged")
    .map((label) => `metadata.labels[${label}]: stored, but not honoured by inkube: no pod is held to this standard`);
}
