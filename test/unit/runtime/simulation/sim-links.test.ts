import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storeProtocol, storeHost } from "./toy.ts";

type Step =
  | { readonly do: "kill"; readonly store: string }
  | { readonly do: "heal"; readonly store: string }
  | { readonly do: "cut"; readonly store: string; readonly oneWay: boolean; readonly breakAfterMs: number | undefined }
  | { readonly do: "wait"; readonly forMs: number };

const store = fc.constantFrom("store-0", "store-1");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("kill" as const), store }),
  fc.record({ do: fc.constant("heal" as const), store }),
  fc.record({
    do: fc.constant("cut" as const),
    store,
    oneWay: fc.boolean(),
    breakAfterMs: fc.option(fc.nat(5), { nil: undefined }),
  }),
  fc.record({ do: fc.constant("wait" as const), forMs: fc.double({ min: 0, max: 8, noNaN: true }) }),
);

describe("the links of a simulation", () => {
  it("carry again when all is healed, whatever was killed, cut, broken and mended before", async () => {
    const story = fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.nat(), async (steps, seed) => {
      const host = storeHost(seed);
      await host.start();
      for (const each of steps) {
        if (each.do === "wait") await host.run(each.forMs);
        else if (each.do === "kill") host.kill(each.store, { disk: "kept" });
        else if (each.do === "heal") host.heal(["test"], [each.store]);
        else {
          const { oneWay, breakAfterMs } = each;
          host.partition(["test"], [each.store], { oneWay, ...(breakAfterMs === undefined ? {} : { breakAfterMs }) });
        }
      }
      host.heal(["test"], ["store-0", "store-1"]);
      await host.run(60_000);
      for (const name of ["store-0", "store-1"]) {
        const answer = host.context.ref(storeProtocol, name).call("append", { value: 1 });
        expect(await host.settle(() => answer)).toMatchObject({ total: 1 });
      }
    });
    await fc.assert(story, { numRuns: 200 });
  });
});
