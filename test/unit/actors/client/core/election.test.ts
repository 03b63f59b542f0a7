import fc from "fast-check";
import { expect, it } from "vitest";
import { Election } from "../../../../../actors/client/core/election.ts";
import type { Lease } from "../../../../../protocols/kubernetes/types/coordination-v1.ts";

const timings = { leaseDurationMs: 3_000, renewPeriodMs: 1_000, renewDeadlineMs: 2_000 };

function candidate(identity: string): Election {
  return new Election({ namespace: "kube-system", name: "kube-scheduler", identity }, timings);
}

function held(by: string, version: number, acquired = "t0"): Lease {
  return {
    metadata: { name: "kube-scheduler", namespace: "kube-system", resourceVersion: String(version) },
    spec: { holderIdentity: by, leaseDurationSeconds: 3, acquireTime: acquired, leaseTransitions: 4 },
  };
}

it("acquires a Lease that does not exist, and one that was given up", () => {
  const election = candidate("a");
  expect(election.next(0, "t")).toMatchObject({
    do: "acquire",
    lease: { spec: { holderIdentity: "a", leaseTransitions: 0 } },
  });
  election.observe(held("", 3), 0);
  expect(election.next(0, "t")).toMatchObject({ do: "acquire", lease: { spec: { leaseTransitions: 5 } } });
});

it("waits for another's Lease to expire as seen by its own clock", () => {
  const election = candidate("a");
  election.observe(held("b", 1), 100);
  expect(election.next(200, "t")).toEqual({ do: "wait", untilMs: 3_100 });
  election.observe(held("b", 2), 1_100);
  expect(election.next(3_500, "t")).toEqual({ do: "wait", untilMs: 4_100 });
  expect(election.next(4_100, "t").do).toBe("acquire");
});

it("takes over at once from a holder that is down, also when its last renewal arrives later", () => {
  const election = candidate("a");
  election.observe(held("b", 1), 0);
  election.holderDown("b");
  expect(election.next(1, "t").do).toBe("acquire");
  election.observe(held("b", 2), 2);
  expect(election.next(3, "t").do).toBe("acquire");
});

it("leaves a holder alone that came back before it was replaced", () => {
  const election = candidate("a");
  election.observe(held("b", 1), 0);
  election.holderDown("b");
  election.observe(held("b", 2, "t1"), 5);
  expect(election.next(6, "t").do).toBe("wait");
});

it("resumes its own Lease at once after a restart, without a transition", () => {
  const election = candidate("a");
  election.observe(held("a", 1), 0);
  expect(election.next(0, "t9")).toMatchObject({
    do: "acquire",
    lease: { spec: { acquireTime: "t9", leaseTransitions: 4 } },
  });
});

it("ignores what a lagging watch brings after its own write", () => {
  const election = candidate("a");
  election.wrote(held("a", 9), 0);
  election.observe(held("b", 8), 1);
  expect(election.next(2, "t")).toEqual({ do: "wait", untilMs: 1_000 });
});

it("steps down when another holds the Lease, and before its own could be taken", () => {
  const election = candidate("a");
  election.wrote(held("a", 1), 0);
  expect(election.next(1_000, "t").do).toBe("renew");
  election.failed(1_000, 50);
  expect(election.next(1_000, "t")).toEqual({ do: "wait", untilMs: 1_050 });
  expect(election.next(2_000, "t").do).toBe("step-down");
  election.observe(held("b", 5), 10);
  expect(election.next(20, "t").do).toBe("step-down");
});

it("never has two leaders at a time while writes are compare-and-swap and clocks run alike", () => {
  const step = fc.record({
    who: fc.constantFrom(0, 1, 2),
    passMs: fc.integer({ min: 0, max: 1_200 }),
    reaches: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const names = ["a", "b", "c"];
      const candidates = names.map(candidate);
      let lease: Lease | undefined;
      let revision = 0;
      let nowMs = 0;
      const enforceFences = (): void => {
        for (const each of candidates) if (each.isLeading && each.next(nowMs, "t").do === "step-down") each.stepDown();
      };
      for (const { who, passMs, reaches } of steps) {
        nowMs += passMs;
        enforceFences();
        const self = candidates[who] as Election;
        if (reaches) self.observe(lease, nowMs);
        enforceFences();
        const todo = self.next(nowMs, `t${nowMs}`);
        if (todo.do === "acquire" || todo.do === "renew") {
          const swap = todo.lease.metadata?.resourceVersion === lease?.metadata?.resourceVersion;
          if (reaches && swap) {
            lease = { ...todo.lease, metadata: { ...todo.lease.metadata, resourceVersion: String(++revision) } };
            self.wrote(lease, nowMs);
          } else self.failed(nowMs, 50);
        }
        expect(candidates.filter((each) => each.isLeading).length).toBeLessThanOrEqual(1);
      }
    }),
  );
});
