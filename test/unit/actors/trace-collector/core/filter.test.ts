import { describe, expect, it } from "vitest";
import { checkFilter, matches, wantsActor } from "../../../../../actors/trace-collector/core/filter.ts";
import type { TraceEvent, TraceFilter } from "../../../../../protocols/trace-collector.ts";

const bound: TraceEvent = {
  actor: "scheduler-0",
  sequence: 7,
  lamport: 12,
  timeMs: 1_000,
  kind: "scheduler.bound",
  subject: "pods/default/web-1",
  peer: "",
  cause: "api-server-0#3",
  detail: "node=worker-2",
};

describe("a trace filter", () => {
  it.each<[TraceFilter, boolean]>([
    [{}, true],
    [{ actor: "scheduler-0" }, true],
    [{ actor: "scheduler-1" }, false],
    [{ actor: "scheduler" }, false],
    [{ object: "pods/default/web-1" }, true],
    [{ object: "web" }, true],
    [{ object: "worker-2" }, true],
    [{ object: "db" }, false],
    [{ kind: "scheduler" }, true],
    [{ kind: "scheduler.bound" }, true],
    [{ kind: "sched" }, false],
    [{ kind: "scheduler.bound", object: "db" }, false],
  ])("%j lets a binding of web-1 through: %s", (filter, through) => {
    expect(matches(filter, bound)).toBe(through);
  });

  it("takes a name that ends in a slash for all actors of a node", () => {
    expect(wantsActor({ actor: "worker-2/" }, "worker-2/kubelet")).toBe(true);
    expect(wantsActor({ actor: "worker-2/" }, "worker-20/kubelet")).toBe(false);
  });

  const ACTORS = ["cluster", "etcd-0", "worker-1/kubelet", "worker-1/kube-proxy"];

  it.each<TraceFilter>([
    {},
    { actor: "etcd-0" },
    { actor: "worker-1/" },
    { actor: "worker-1/kubelet", kind: "pod.status" },
    { kind: "pod" },
    { kind: "log" },
    { kind: "call" },
    { object: "whatever" },
  ])("%j can let something through", (filter) => {
    expect(() => checkFilter(filter, ACTORS)).not.toThrow();
  });

  it.each<[TraceFilter, string, string]>([
    [
      { actor: "etcd-7" },
      "NO_SUCH_ACTOR",
      "there is no actor etcd-7 here; did you mean etcd-0? There are cluster, etcd-0",
    ],
    [{ actor: "worker-1" }, "NO_SUCH_ACTOR", "; did you mean worker-1/?"],
    [{ kind: "nosuchkind" }, "NO_SUCH_KIND", "there is no kind of event nosuchkind. There are call, cast, stream"],
    [{ kind: "pod.statsu" }, "NO_SUCH_KIND", "; did you mean pod.status?"],
    [{ kind: "po" }, "NO_SUCH_KIND", "; did you mean"],
    [{ kind: "" }, "NO_SUCH_KIND", "there is no kind"],
  ])("%j is refused with %s", (filter, code, message) => {
    expect(() => checkFilter(filter, ACTORS)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
    );
  });
});
