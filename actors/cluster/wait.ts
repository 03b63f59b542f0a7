/** Waits until one object is as it should be. */
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
  /** Aborted when the cluster stops. */
  readonly stopping: AbortSignal;
}

/** Starts the informer, and stops it in the end. Errors: WAIT_TIMEOUT with why, CLUSTER_STOPPED. */
export function waitForObject(wait: Wait): Promise<KubernetesObject | undefined> {
  const { informer, name, namespace, stopping, timeoutMs, what } = wait;
  return new Promise((resolve, reject) => {
    let over = false;
    const end = (): void => {
      over = true;
      timer.cancel();
      stopping.removeEventListener("abort", stopped);
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
    const stopped = (): void => {
      end();
      reject(new InkubeError("CLUSTER_STOPPED", `waited for ${what}, but the cluster stopped`));
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
    if (stopping.aborted) return stopped();
    stopping.addEventListener("abort", stopped);
    informer.onChange(look);
    informer.start();
    void informer.whenSynced().then(look);
  });
}
