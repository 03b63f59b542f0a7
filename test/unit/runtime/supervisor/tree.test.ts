import { describe, expect, it } from "vitest";
import { mermaidOf } from "../../../../runtime/supervisor/tree.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { ledgerActor } from "../../../fixtures/actors/ledger-actor.ts";
import { actor, supervisor } from "./harness.ts";

describe("the picture of a supervision tree", () => {
  it("has every node with its state, its restarts and how it ended last", async () => {
    const ledger = (name: string) => actor(name, { actor: "ledger", options: { version: 1 } });
    const host = new SimulationHost({
      seed: 3,
      spec: supervisor("root", [
        ledger("a"),
        supervisor("inner", [ledger("b"), ledger("c")], { strategy: "rest_for_one" }),
      ]),
      definitions: { ledger: ledgerActor },
    });
    await host.start();
    host.kill("b", { reason: "hang" });
    await host.run(1_000);
    await host.settle(() => host.supervisor.takeOut("a", { kill: false }));
    const tree = host.supervisor.tree();
    expect(tree).toEqual({
      name: "root",
      state: "up",
      restarts: 0,
      strategy: "one_for_one",
      children: [
        { name: "a", state: "ended", restarts: 0, lastDown: "normal" },
        {
          name: "inner",
          state: "up",
          restarts: 0,
          strategy: "rest_for_one",
          children: [
            { name: "b", state: "up", restarts: 1, lastDown: "hang" },
            { name: "c", state: "up", restarts: 0, lastDown: "normal" },
          ],
        },
      ],
    });
    expect(mermaidOf(tree)).toBe(
      [
        "flowchart TD",
        '  n0["root<br/>one_for_one"]',
        '  n1("a<br/>ended<br/>last: normal")',
        "  class n1 notUp",
        "  n0 --> n1",
        '  n2["inner<br/>rest_for_one"]',
        '  n3("b<br/>1 restarts<br/>last: hang")',
        "  n2 --> n3",
        '  n4("c<br/>last: normal")',
        "  n2 --> n4",
        "  n0 --> n2",
        "  classDef notUp stroke-dasharray: 4",
        "",
      ].join("\n"),
    );
    await host.stop();
  });
});
