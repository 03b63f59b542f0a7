/** Waits until one object is as it should be. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { clearTimeout, setTimeout } from "../../runtime/threads/machine-clock.ts";
import type { Informer } from "../client/informer.ts";

export interface Wait {
  readonly informer: Informer<KubernetesObject>;
  readonly name: string;
  readonly namespace: string | undefined;
  /** Undefined: there is no such object. What it throws is what the wait fails with. */
  readonly isMet: (object: KubernetesObject | undefined) => boolean;
  readonly timeoutMs: number;
  /** For errors: `pod/web to be Ready`. */
  readonly what: string;
  /** Aborted when the cluster stops. */
  readonly stopping: AbortSignal;
}

/** Starts the informer, and stops it in the end. Errors: WAIT_TIMEOUT with the last state, CLUSTER_STOPPED. */
export function waitForObject(wait: Wait): Promise<KubernetesObject | undefined> {
  const { informer, name, namespace, stopping, timeoutMs, what } = wait;
  const current = (): KubernetesObject | undefined => informer.get(name, namespace);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      stopping.removeEventListener("abort", stopped);
      informer.stop();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const look = (): void => {
      if (!informer.synced) return;
      const object = current();
      try {
        if (!wait.isMet(object)) return;
      } catch (error) {
        return fail(error);
      }
      end();
      resolve(object);
    };
    const stopped = (): void => fail(new InkubeError("CLUSTER_STOPPED", `waited for ${what}, but the cluster stopped`));
    const late = (): void => {
      const { status } = (current() ?? {}) as { readonly status?: unknown };
      const state = current() === undefined ? "it is not there" : `its status is ${JSON.stringify(status ?? null)}`;
      fail(new InkubeError("WAIT_TIMEOUT", `waited ${timeoutMs} ms for ${what}; ${state}`));
    };
    const timer = setTimeout(late, timeoutMs);
    if (stopping.aborted) return stopped();
    stopping.addEventListener("abort", stopped);
    informer.onChange(look);
    informer.start();
    void informer.whenSynced().then(look);
  });
}
