import { describe, expect, it } from "vitest";
import { InkubeError } from "../../../../protocols/errors.ts";
import { checkSpec } from "../../../../runtime/supervisor/core/check-spec.ts";
import type { SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { BACKOFF, actorsOf } from "../../../../runtime/supervisor/spec.ts";
import { actor, supervisor } from "./harness.ts";

function placeOf(spec: SupervisorSpec, externals: readonly string[] = []): unknown {
  try {
    checkSpec(spec, externals);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(InkubeError);
    expect((error as InkubeError).code).toBe("INVALID_SPEC");
    return ((error as InkubeError).details as { place: string }).place;
  }
}

describe("checkSpec", () => {
  it("takes a tree whose names are unique and whose links lead somewhere", () => {
    const master = supervisor("master-0", [actor("etcd-0"), actor("api-server-0", { links: ["etcd-0"] })]);
    const node = supervisor("worker-0", [actor("worker-0/kubelet", { links: ["api-server-0", "cluster"] })]);
    const tree = supervisor("cluster-root", [master, node]);
    expect(placeOf(tree, ["cluster"])).toBeUndefined();
    expect(actorsOf(tree).map(({ name }) => name)).toEqual(["etcd-0", "api-server-0", "worker-0/kubelet"]);
  });

  it.each<[string, SupervisorSpec, string]>([
    [
      "a name that is taken in another branch",
      supervisor("r", [supervisor("m", [actor("a")]), actor("a")]),
      "r > a: name",
    ],
    ["an actor with a supervisor's name", supervisor("r", [actor("r")]), "r > r: name"],
    ["a name with a blank", supervisor("r", [actor("a b")]), "r > a b: name"],
    ["a path that leaves its directory", supervisor("r", [actor("a/../b")]), "r > a/../b: name"],
    ["a link to nobody", supervisor("r", [actor("a", { links: ["b"] })]), "r > a: links"],
    ["a link to a supervisor", supervisor("r", [actor("a", { links: ["r"] })]), "r > a: links"],
    ["a link to itself", supervisor("r", [actor("a", { links: ["a"] })]), "r > a: links"],
    ["a link twice", supervisor("r", [actor("a"), actor("b", { links: ["a", "a"] })]), "r > b: links"],
    ["an endless shutdown", supervisor("r", [actor("a", { shutdownMs: Infinity })]), "r > a: shutdownMs"],
    ["a start without time", supervisor("r", [actor("a", { startTimeoutMs: 0 })]), "r > a: startTimeoutMs"],
    ["no actor definition", supervisor("r", [actor("a", { actor: "" })]), "r > a: actor"],
    ["a thread without a name", supervisor("r", [actor("a", { thread: "" })]), "r > a: thread"],
    ["an unknown restart", supervisor("r", [actor("a", { restart: "always" as "permanent" })]), "r > a: restart"],
    ["an unknown strategy", supervisor("r", [], { strategy: "all" as "one_for_all" }), "r: strategy"],
    ["half a restart", supervisor("r", [], { intensity: { restarts: 0.5, periodMs: 1 } }), "r: intensity.restarts"],
    ["no period", supervisor("r", [], { intensity: { restarts: 1, periodMs: 0 } }), "r: intensity.periodMs"],
    ["a shrinking back-off", supervisor("r", [], { backoff: { ...BACKOFF, factor: 0.5 } }), "r: backoff.factor"],
    ["a maximum below the start", supervisor("r", [], { backoff: { ...BACKOFF, maxMs: 1 } }), "r: backoff.maxMs"],
    ["a jitter above the whole", supervisor("r", [], { backoff: { ...BACKOFF, jitter: 2 } }), "r: backoff.jitter"],
    [
      "a health without time",
      supervisor("r", [], { backoff: { ...BACKOFF, resetAfterMs: NaN } }),
      "r: backoff.resetAfterMs",
    ],
  ])("refuses %s and names the place", (_what, spec, place) => {
    expect(placeOf(spec)).toBe(place);
  });
});
