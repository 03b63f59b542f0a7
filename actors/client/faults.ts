import type { Logger } from "../../runtime/actor.ts";

/** What a log line tells of a fault of the program: whatever was thrown, with its stack where it has one. */
export function faultFields(thrown: unknown): { readonly error: string; readonly stack: string } {
  return thrown instanceof Error
    ? { error: thrown.message, stack: thrown.stack ?? "" }
    : { error: String(thrown), stack: "" };
}

/** For an informer: what a listener can't cope with costs that listener that change, loudly, and not the actor. */
export function tellListenerFault(log: Logger, resource: string): (thrown: unknown, key: string) => void {
  return (thrown, key) => log.error("listener threw", { resource, key, ...faultFields(thrown) });
}
