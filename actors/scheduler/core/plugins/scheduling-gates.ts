import type { Plugin } from "../framework.ts";

/** A pod with gates waits until whoever has put them there has taken them away. */
export const schedulingGates: Plugin = {
  name: "SchedulingGates",
  preEnqueue({ pod }) {
    const gates = (pod.spec?.schedulingGates ?? []).map(({ name }) => name);
    if (gates.length === 0) return undefined;
    const reason = `waiting for scheduling gates: [${gates.join(" ")}]`;
    return { plugin: "SchedulingGates", reasons: [reason], unresolvable: true };
  },
};
