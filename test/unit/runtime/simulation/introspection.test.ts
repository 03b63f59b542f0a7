import { describe, expect, it } from "vitest";
import type { InkubeError } from "../../../../protocols/errors.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { mailboxActor } from "../../../fixtures/actors/mailbox-actor.ts";
import { mailboxProtocol } from "../../../fixtures/actors/mailbox-protocol.ts";
import { actor, supervisor } from "../supervisor/harness.ts";

async function world(seed = 6): Promise<SimulationHost> {
  const host = new SimulationHost({
    seed,
    spec: supervisor("root", [actor("box", { actor: "mailbox" })]),
    definitions: { mailbox: mailboxActor },
    embedder: { name: "test", links: ["box"] },
  });
  await host.start();
  return host;
}

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "answered",
    (error: unknown) => (error as InkubeError).code,
  );

describe("a simulated actor that is looked into", () => {
  it("does not answer while it hangs, and is down when it dies before it has answered", async () => {
    const host = await world();
    host.stall("box", 6_000);
    expect(await host.settle(() => codeOf(host.state("box")))).toBe("DEADLINE_EXCEEDED");
    await host.run(2_000);
    const died = await host.settle(() => {
      host.stall("box", 1_000);
      const asked = codeOf(host.statistics("box"));
      host.kill("box");
      return asked;
    });
    expect(died).toBe("ACTOR_DOWN");
    await host.stop();
  });

  it("tells a copy of its state", async () => {
    const host = await world();
    const box = host.context.ref(mailboxProtocol, "box");
    const states = await host.settle(async () => {
      const before = (await host.state("box")) as { readonly handled: number[] };
      before.handled.push(99);
      return [before, await host.state("box"), await box.call("handled", null)];
    });
    expect(states).toEqual([{ isOpen: false, handled: [99] }, { isOpen: false, handled: [] }, []]);
    await host.stop();
  });

  it("does the same as one that nobody follows", async () => {
    const digests: string[] = [];
    for (const isFollowed of [false, true]) {
      const host = await world();
      let seen = 0;
      if (isFollowed)
        host.follow(
          "box",
          () => true,
          () => void seen++,
        );
      const box = host.context.ref(mailboxProtocol, "box");
      await host.settle(() => box.call("handled", null));
      host.kill("box");
      await host.run(1_000);
      await host.stop();
      digests.push(host.trace.digest);
      expect(seen > 0).toBe(isFollowed);
    }
    expect(digests[1]).toBe(digests[0]);
  });
});
