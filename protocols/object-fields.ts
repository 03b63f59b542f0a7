/** A field of an object by its path, as `spec.template.spec.containers[0].image` or `metadata.labels["app.kubernetes.io/name"]`. */

export type FieldStep = string | number;

const STEP = /(?:^|\.)([A-Za-z_$][A-Za-z0-9_$-]*)|\[(\d{1,6})\]|\["((?:[^"\\]|\\.)+)"\]/y;

/** Undefined for what is no path. */
export function parseFieldPath(path: string): readonly FieldStep[] | undefined {
  const steps: FieldStep[] = [];
  STEP.lastIndex = 0;
  let at = 0;
  while (at < path.length) {
    STEP.lastIndex = at;
    const found = STEP.exec(path);
    if (found === null || (at === 0 && path.startsWith("."))) return undefined;
    const [whole, name, index, quoted] = found;
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else steps.push(quoted!.replaceAll(/\\(.)/g, "$1"));
    at += whole.length;
  }
  return steps.length === 0 || typeof steps[0] === "number" ? undefined : steps;
}

/** Undefined where there is none. */
export function fieldAt(object: unknown, steps: readonly FieldStep[]): unknown {
  let value = object;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<FieldStep, unknown>>)[step];
  }
  return value;
}

/** The object with another value there, which is not given or copied; undefined where what it would stand in is not there. */
export function withFieldAt(object: unknown, steps: readonly FieldStep[], value: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof object !== "object" || object === null) return undefined;
  const inner = rest.length === 0 ? value : withFieldAt((object as Record<FieldStep, unknown>)[step], rest, value);
  if (inner === undefined && rest.length > 0) return undefined;
  if (Array.isArray(object)) {
    if (typeof step !== "number" || step >= object.length) return undefined;
    return object.map((item: unknown, index) => (index === step ? inner : item));
  }
  return { ...object, [step]: inner };
}
