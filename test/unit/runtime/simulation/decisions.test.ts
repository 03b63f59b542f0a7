import { describe, expect, it } from "vitest";
import { DecisionLog } from "../../../../runtime/simulation/decisions.ts";
import type { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { toyHost } from "./toy.ts";

async function play(host: SimulationHost): Promise<string> {
  await host.start();
  const faults = host.world.random("faults");
  for (let round = 0; round < 20; round++) {
    await host.run(10);
    if (faults.below(3) === 0) host.kill(`store-${faults.below(2)}`);
  }
  await host.stop();
  host.world.end();
  return host.trace.digest;
}

async function record(seed: number): Promise<{ readonly log: DecisionLog; readonly digest: string }> {
  const log = new DecisionLog(seed, { toy: true });
  const digest = await play(toyHost(seed, { record: log }));
  return { log, digest };
}

/** The log as if decision `index` had been another one. */
function edited(log: DecisionLog, change: (index: number, field: number, word: number) => number): DecisionLog {
  const copy = new DecisionLog(log.seed, log.about);
  copy.labels.push(...log.labels);
  for (let index = 0; index < log.count; index++) {
    const [label = 0, bound = 0, atUs = 0, answer = 0] = [0, 1, 2, 3].map((field) =>
      change(index, field, log.word(index, field)),
    );
    copy.add(label, bound, atUs, answer);
  }
  return copy;
}

describe("a log of decisions", () => {
  it("is recorded without any influence on the run", async () => {
    expect((await record(7)).digest).toBe(await play(toyHost(7)));
  });

  it("repeats its run through a file and without the generator: the seed given does not count", async () => {
    const { log, digest } = await record(7);
    expect(log.count).toBeGreaterThan(500);
    const replay = DecisionLog.fromBytes(log.toBytes());
    expect(replay.about).toEqual({ toy: true });
    expect(await play(toyHost(999, { replay }))).toBe(digest);
  });

  it("tells another story when an answer in it is changed, or ends where the questions differ", async () => {
    const { log, digest } = await record(7);
    const other = edited(log, (index, field, word) =>
      index === 100 && field === 3 ? (word ^ 0x4000_0000) >>> 0 : word,
    );
    const outcome = await play(toyHost(7, { replay: other })).catch((error: { readonly code: string }) => error.code);
    expect(outcome).not.toBe(digest);
  });

  it("stops at the first difference and names both sides", async () => {
    const { log } = await record(7);
    const at = 500;
    const other = edited(log, (index, field, word) => (index === at && field === 1 ? word + 1 : word));
    const error: unknown = await play(toyHost(7, { replay: other })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "SIMULATION_DIVERGED", details: { decision: at } });
    const { recorded, replayed } = (error as { details: { recorded: string; replayed: string } }).details;
    expect(recorded).toBe(other.describe(at));
    expect(replayed).toBe(log.describe(at));
  });

  it("notices a run that is longer or shorter than the recorded one", async () => {
    const { log } = await record(7);
    const longer = toyHost(7, { replay: log });
    await longer.start();
    await expect(longer.run(60_000)).rejects.toMatchObject({ code: "SIMULATION_DIVERGED" });
    const shorter = toyHost(7, { replay: log });
    await shorter.start();
    expect(() => shorter.world.end()).toThrow(/replayed the end of the run/);
  });

  it("is refused when it is cut short, no such log, or of another version of Node", async () => {
    const { log } = await record(7);
    const bytes = log.toBytes();
    expect(() => DecisionLog.fromBytes(bytes.subarray(0, 100))).toThrow(/can't be replayed/);
    expect(() => DecisionLog.fromBytes(new TextEncoder().encode("{}"))).toThrow(/can't be replayed/);
    const foreign = new DecisionLog(7, null, 18);
    expect(() => toyHost(7, { replay: foreign })).toThrow(/Node 18/);
  });
});
