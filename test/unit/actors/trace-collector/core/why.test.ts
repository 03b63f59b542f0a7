import { describe, expect, it } from "vitest";
import { explain } from "../../../../../actors/trace-collector/core/why.ts";
import type { TraceEvent } from "../../../../../protocols/trace-collector.ts";

/** Events a second apart, each `actor kind subject`, then its details, then `<- cause`; the first is `actor#1`, for each actor. */
function record(...lines: readonly string[]): readonly TraceEvent[] {
  const counts = new Map<string, number>();
  return lines.map((line, index) => {
    const [what = "", cause = ""] = line.split(" <- ");
    const [actor = "", kind = "", subject = "", ...detail] = what.split(" ");
    const sequence = (counts.get(actor) ?? 0) + 1;
    counts.set(actor, sequence);
    const timeMs = (index + 1) * 1_000;
    const peer = kind === "call" ? "cluster" : "";
    return { actor, sequence, lamport: index + 1, timeMs, kind, subject, peer, cause, detail: detail.join(" ") };
  });
}

describe("why", () => {
  it("begins with the end of a kubelet, where its node is lost because nobody renews its Lease", () => {
    const events = record(
      "supervisor kill worker-1",
      "supervisor down worker-1/kubelet reason=killed <- supervisor#1",
      "manager timer lease",
      "manager node-lost nodes/worker-1 <- manager#1",
    );
    const { sentence, chain } = explain(events, "node/worker-1");
    expect(sentence).toBe("node worker-1 is lost because worker-1 was killed 3.0 s before.");
    expect(chain.map(({ kind }) => kind)).toEqual(["kill", "down", "node-lost"]);
  });

  it("begins with the timer where no kubelet has ended", () => {
    const events = record("manager timer lease", "manager node-lost nodes/worker-1 <- manager#1");
    expect(explain(events, "nodes/worker-1").first.kind).toBe("timer");
  });

  it("tells of trouble until it is over", () => {
    const made = ["api call request", "api write pods/default/a action=put <- api#1"];
    const waits = "scheduler unschedulable pods/default/a nodes=2 NodePorts=2 <- api#1";
    const placed = "scheduler scheduled pods/default/a node=worker-0 <- api#1";
    expect(explain(record(...made), "pod/a").sentence).toBe("a is there because cluster asked for it 1.0 s before.");
    expect(explain(record(...made, waits), "pod/a").sentence).toMatch(
      /^a waits: none of 2 nodes takes it \(NodePorts=2\)/,
    );
    expect(explain(record(...made, waits, placed), "pod/a").sentence).toMatch(/^a is on worker-0/);
  });

  it("leaves out messages, but for the first", () => {
    const { chain } = explain(
      record("api call request", "etcd call txn <- api#1", "api write pods/default/a action=put <- etcd#1"),
      "pods/default/a",
    );
    expect(chain.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual(["call request", "write pods/default/a"]);
  });

  it("says when the record does not go back to where it began", () => {
    const { sentence, isWhole } = explain(
      record(
        "scheduler unschedulable pods/default/a nodes=1 NodeName=1 <- api#7",
        "api write pods/default/b action=put",
      ),
      "pod/a",
    );
    expect(isWhole).toBe(false);
    expect(sentence).toMatch(/NodeName=1\); what caused that is not in the record\.$/);
  });

  it("comes to an end where causes go round, and tells of what is not recorded by its code", () => {
    const ring = record("a write pods/default/a action=put <- a#2", "a write pods/default/a action=put <- a#1");
    expect(explain(ring, "pod/a").chain).toHaveLength(1);
    expect(() => explain(ring, "pod/other")).toThrow(expect.objectContaining({ code: "NOT_RECORDED" }));
  });
});
