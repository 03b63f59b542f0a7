/**
 * Makes the machine's clock, timers and random numbers throw while actors run in the simulation: what they return
 * differs from run to run. It is in place only while the simulation steps, never while the embedder's own code runs.
 *
 * It holds what can be reached as a global. An import of `node:timers`, `node:crypto` and the like escapes it; the lint
 * rules and the layer test refuse those.
 */

/** Called with the name of what was used; what it throws goes to the code that used it. */
export type OnAmbientUse = (name: string) => never;

interface Patch {
  readonly target: object;
  readonly key: string;
  readonly original: PropertyDescriptor;
  readonly guarded: PropertyDescriptor;
}

export class AmbientGuard {
  private readonly patches: readonly Patch[];
  private installed = false;

  constructor(onUse: OnAmbientUse) {
    const patches: Patch[] = [];
    const guard = (target: object, key: string, name: string, replacement?: unknown): void => {
      const original = Object.getOwnPropertyDescriptor(target, key);
      if (original?.configurable !== true) return;
      const value = replacement ?? ((): never => onUse(name));
      patches.push({ target, key, original, guarded: { configurable: true, writable: true, value } });
    };
    for (const name of ["setTimeout", "setInterval", "setImmediate", "fetch"]) guard(globalThis, name, name);
    guard(globalThis, "Date", "Date", guardedDate(onUse));
    guard(Math, "random", "Math.random");
    guard(Date, "now", "Date.now");
    // Own on Node 20's Performance object or inherited: either way an own property hides it.
    patches.push(...hide(performance, "now", () => onUse("performance.now")));
    patches.push(...hide(globalThis.crypto, "randomUUID", () => onUse("crypto.randomUUID")));
    patches.push(...hide(globalThis.crypto, "getRandomValues", () => onUse("crypto.getRandomValues")));
    guard(AbortSignal, "timeout", "AbortSignal.timeout");
    const hrtime = (): never => onUse("process.hrtime");
    guard(process, "hrtime", "process.hrtime", Object.assign(hrtime, { bigint: hrtime }));
    this.patches = patches;
  }

  install(): void {
    if (this.installed) return;
    this.installed = true;
    for (const { target, key, guarded } of this.patches) Object.defineProperty(target, key, guarded);
  }

  remove(): void {
    if (!this.installed) return;
    this.installed = false;
    for (const { target, key, original } of this.patches) {
      if (original === INHERITED) Reflect.deleteProperty(target, key);
      else Object.defineProperty(target, key, original);
    }
  }
}

const INHERITED: PropertyDescriptor = {};

function hide(target: object, key: string, value: () => never): readonly Patch[] {
  const own = Object.getOwnPropertyDescriptor(target, key);
  if (own !== undefined && own.configurable !== true) return [];
  return [{ target, key, original: own ?? INHERITED, guarded: { configurable: true, writable: true, value } }];
}

/** `Date` of a given moment is fine; `Date` of now is not. */
function guardedDate(onUse: OnAmbientUse): DateConstructor {
  return new Proxy(Date, {
    construct: (target, given, newTarget) =>
      given.length === 0 ? onUse("new Date()") : (Reflect.construct(target, given, newTarget) as Date),
    apply: () => onUse("Date()"),
  });
}
