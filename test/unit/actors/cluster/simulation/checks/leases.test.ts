import { describe, expect, it } from "vitest";
import { LeasePromises } from "../../../../../../actors/cluster/simulation/checks/leases.ts";

describe("the promises of leases", () => {
  it("bear the end of a key when its time is over, or its owner has given it up", () => {
    const leases = new LeasePromises();
    leases.kept("1", 10, 1_000);
    leases.lost("1", "/k", 10_500);
    leases.given("1");
    leases.lost("1", "/k", 2_000);
    leases.lost("2", "/of-nobody", 0);
  });

  it("do not bear the end of a key before its time, as it was told last", () => {
    const leases = new LeasePromises();
    leases.kept("1", 10, 1_000);
    leases.kept("1", 10, 9_000);
    expect(() => leases.lost("1", "/k", 10_500)).toThrow("was promised to live until 18000 ms");
  });
});
