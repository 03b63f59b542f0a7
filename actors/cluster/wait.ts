/** Waits until one object, or all of a kind, are as they should be. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Informer } from "../client/informer.ts";

export interface Wait {
  readonly informer: Informer<KubernetesObject>;
  readonly name: string;
  readonly namespace: string | undefined;
  /** Undefined: there is no such object. What it throws is what the wait fails with. */
  readonly isMet: (object: KubernetesObject | undefined) => boolean;
  /** What is said of the object's state when the time is up. */
  readonly explain: (object: KubernetesObject | undefined) => Promise<string>;
  readonly timeoutMs: number;
  /** For errors: `pod/web to be Ready`. */
  readonly what: string;
  readonly clock: Clock;
  /** Tells why nobody will answer any more, at once when that is so already. Returns how to stop listening. */
  readonly whenOver: (tell: (why: InkubeError) => void) => () => void;
}

/** What `waitFor` is asked for, from whoever may not have read its types. Errors: INVALID_ARGUMENT. */
export function checkWait(
  target: string,
  condition: unknown,
  options: { readonly timeoutMs?: number; readonly namespace?: string },
): { readonly word: string; readonly name: string } {
  const refuse = (what: string): never => {
    throw new InkubeError("INVALID_ARGUMENT", `waitFor takes ${what}`);
  };
  const [word = "", name = "", ...more] = typeof target === "string" ? target.split("/") : [];
  if (word === "" || name === "" || more.length > 0) refuse(`"resource/name", not ${JSON.stringify(target)}`);
  if ((typeof condition !== "string" || condition === "") && typeof condition !== "function")
    refuse(`a condition's name or a function, not ${JSON.stringify(condition ?? null)}`);
  for (const [option, value] of Object.entries(options)) {
    if (option === "timeoutMs") {
      if (typeof value !== "number" || !(value >= 0))
        refuse(`timeoutMs as a number from 0, not ${JSON.stringify(value)}`);
    } else if (option === "namespace") {
      if (value !== undefined && typeof value !== "string")
        refuse(`namespace as a string, not ${JSON.stringify(value)}`);
    } else refuse(`timeoutMs and namespace, not ${option}`);
  }
  return { word, name };
}

/** What a condition said; a promise would always be true. Errors: INVALID_ARGUMENT. */
export function answerOf(answer: unknown): boolean {
  if (typeof (answer as { readonly then?: unknown } | undefined)?.then === "function")
    throw new InkubeError(
      "INVALID_ARGUMENT",
      "the condition must answer true or false at once: it is asked at each change",
    );
  return Boolean(answer);
}

/** Starts the informer, and stops it in the end. Errors: WAIT_TIMEOUT with why, and what `whenOver` tells. */
export function waitForObject(wait: Wait): Promise<KubernetesObject | undefined> {
  const { informer, name, namespace, timeoutMs, what } = wait;
  return new Promise((resolve, reject) => {
    let over = false;
    let unlisten = (): void => undefined;
    const end = (): void => {
      over = true;
      timer.cancel();
      unlisten();
      informer.stop();
    };
    const look = (): void => {
      if (over || !informer.synced) return;
      const object = informer.get(name, namespace);
      try {
        if (!wait.isMet(object)) return;
      } catch (error) {
        end();
        return reject(error);
      }
      end();
      resolve(object);
    };
    const unanswered = (why: InkubeError): void => {
      if (over) return;
      end();
      reject(new InkubeError(why.code, `waited for ${what}, but ${why.message}`));
    };
    const late = (): void => {
      const state = informer.synced
        ? wait.explain(informer.get(name, namespace))
        : Promise.resolve("no API server answered");
      end();
      state.then(
        (why) => reject(new InkubeError("WAIT_TIMEOUT", `waited ${timeoutMs} ms for ${what}; ${why}`)),
        reject,
      );
    };
    const timer = wait.clock.after(timeoutMs, late);
    unlisten = wait.whenOver(unanswered);
    if (over) return unlisten();
    informer.onChange(look);
    informer.start();
    void informer.whenSynced().then(look);
  });
}

export interface Look<T extends KubernetesObject> {
  readonly informer: Informer<T>;
  /** Asked with everything that the informer follows, when it is listed and after changes, once at a time. */
  readonly isMet: (objects: readonly T[]) => boolean | Promise<boolean>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** As that of a `Wait`. */
  readonly whenOver: Wait["whenOver"];
}

/** Whether it was so in time. Starts the informer, and stops it in the end. Errors: what `isMet` throws and `whenOver` tells. */
export async function metInTime<T extends KubernetesObject>(look: Look<T>): Promise<boolean> {
  const { informer, isMet } = look;
  const state: { news: boolean; late: boolean; why: InkubeError | undefined } = {
    news: true,
    late: false,
    why: undefined,
  };
  let wake = (): void => undefined;
  const note = (what: Partial<typeof state>): void => {
    Object.assign(state, what);
    wake();
  };
  const timer = look.clock.after(look.timeoutMs, () => note({ late: true }));
  const unlisten = look.whenOver((why) => note({ why }));
  informer.onChange(() => note({ news: true }));
  informer.start();
  void informer.whenSynced().then(() => note({ news: true }));
  try {
    for (;;) {
      if (state.news && informer.synced) {
        state.news = false;
        if (await isMet(informer.list())) return true;
      }
      if (state.why !== undefined) throw state.why;
      if (state.late) return false;
      if (!state.news || !informer.synced) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    timer.cancel();
    unlisten();
    informer.stop();
  }
}
