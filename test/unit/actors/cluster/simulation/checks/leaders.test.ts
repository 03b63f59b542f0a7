import { describe, expect, it } from "vitest";
import { Holders, Leaders } from "../../../../../../actors/cluster/simulation/checks/leaders.ts";
import { LeasePromises } from "../../../../../../actors/cluster/simulation/checks/leases.ts";

describe("leaders of a term", () => {
  it("may be one, and another one in the next term", () => {
    const leaders = new Leaders();
    leaders.leads("etcd-0", 1);
    leaders.leads("etcd-0", 1);
    leaders.leads("etcd-1", 2);
    expect(() => leaders.leads("etcd-2", 2)).toThrow("etcd-1 and etcd-2 both led in term 2");
  });
});

describe("holders of a Lease", () => {
  it("follow each other when the one before has stepped down, or can't act any more", () => {
    const holders = new Holders();
    holders.begins("scheduler", "scheduler-0", () => true);
    holders.ends("scheduler-0");
    holders.begins("scheduler", "scheduler-1", () => true);
    holders.begins("scheduler", "scheduler-2", (actor) => actor !== "scheduler-1");
    holders.begins("controllers", "controller-manager-0", () => true);
    expect(() => holders.begins("scheduler", "scheduler-0", () => true)).toThrow(
      "scheduler-0 acts as the holder of scheduler while scheduler-2 still does",
    );
  });
});

describe("promises of leases", () => {
  it("hold until the time to live that was told is nearly over", () => {
    const leases = new LeasePromises();
    leases.kept("7", 10, 1_000);
    expect(() => leases.lost("7", "/a", 9_000)).toThrow("/a went at 9000 ms");
    expect(() => leases.lost("7", "/a", 10_500)).not.toThrow();
    leases.kept("7", 10, 5_000);
    expect(() => leases.lost("7", "/a", 10_500)).toThrow("/a went at 10500 ms");
  });

  it("are over when the owner gives the lease up", () => {
    const leases = new LeasePromises();
    leases.kept("7", 10, 0);
    leases.given("7");
    expect(() => leases.lost("7", "/a", 100)).not.toThrow();
  });
});
