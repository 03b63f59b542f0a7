import { describe, expect, it } from "vitest";
import type { Envelope } from "../../../../runtime/frame.ts";
import { CAST } from "../../../../runtime/frame.ts";
import type { LinkEnd } from "../../../../runtime/simulation/sim-links.ts";
import { SimLinks } from "../../../../runtime/simulation/sim-links.ts";
import type { World } from "../../../../runtime/simulation/world.ts";

/** Two ends on a time line that the test lets pass; what each is told of its link to the other. */
class Pair {
  readonly told: Record<string, string[]> = { a: [], b: [] };
  /** Ends whose gate let go of what it had held back. */
  readonly forgotten: string[] = [];
  readonly links: SimLinks;
  private readonly events: { readonly atUs: number; readonly action: () => void }[] = [];
  private nowUs = 0;

  constructor() {
    const now = (): number => this.nowUs;
    const world = {
      get nowUs() {
        return now();
      },
      random: () => ({ next: () => 0.5 }),
      schedule: (delayUs: number, _end: unknown, action: () => void) => this.at(this.nowUs + delayUs, action),
      scheduleAt: (atUs: number, _end: unknown, action: () => void) => this.at(atUs, action),
    };
    this.links = new SimLinks(world as unknown as World, "copies");
    this.links.pair("a", "b");
  }

  join(name: string): LinkEnd {
    const told = this.told[name]!;
    const end = {
      name,
      cell: {
        declare: () => undefined,
        linkUp: () => told.push("up"),
        linkDown: (_peer: string, reason: string) => told.push(reason),
        receive: () => told.push("frame"),
      },
      recorder: { lamport: 0, after: () => 0, because: (_doing: unknown, work: () => void) => work() },
      gate: { on: false, forget: () => void this.forgotten.push(name) },
      links: new Map(),
    } as unknown as LinkEnd;
    this.links.join(end);
    return end;
  }

  pass(): void {
    for (let next = this.first(); next !== undefined; next = this.first()) {
      this.nowUs = next.atUs;
      next.action();
    }
  }

  private first() {
    this.events.sort((left, right) => left.atUs - right.atUs);
    return this.events.shift();
  }

  private at(atUs: number, action: () => void): void {
    this.events.push({ atUs, action });
  }
}

describe("a session of a simulated link", () => {
  it("has ended for both ends before they are told of the next", () => {
    const pair = new Pair();
    pair.join("a");
    pair.join("b");
    pair.pass();
    pair.links.break("a", "b");
    // Before any end has heard of it.
    pair.links.mend("a", "b");
    pair.pass();
    expect(pair.told).toEqual({ a: ["up", "hang", "up"], b: ["up", "hang", "up"] });
    expect(pair.forgotten).toEqual(["a", "b"]);
  });

  it("takes what was under way with it", () => {
    const pair = new Pair();
    pair.join("a");
    const end = pair.join("b");
    pair.pass();
    const cast: Envelope = [CAST, 0, null, 0];
    pair.links.transmit(end, "a", [cast], () => undefined);
    pair.links.break("a", "b");
    pair.links.mend("a", "b");
    pair.pass();
    expect(pair.told["a"]).toEqual(["up", "hang", "up"]);
    pair.links.transmit(end, "a", [cast], () => undefined);
    pair.pass();
    expect(pair.told["a"]).toEqual(["up", "hang", "up", "frame"]);
  });

  it("that has ended before an end heard of it is none to it", () => {
    const pair = new Pair();
    pair.join("a");
    pair.links.cut("b", "a");
    pair.join("b");
    pair.pass();
    pair.links.break("a", "b");
    pair.pass();
    pair.links.heal("b", "a");
    pair.pass();
    expect(pair.told).toEqual({ a: [], b: ["up", "hang"] });
  });

  it("is one of one pair of incarnations: the end of the former ends no link of the next", () => {
    const pair = new Pair();
    pair.join("a");
    const former = pair.join("b");
    pair.pass();
    pair.links.leave(former, "killed");
    pair.join("b");
    pair.links.leave(former, "killed");
    pair.pass();
    expect(pair.told["a"]).toEqual(["up", "killed", "up"]);
  });

  it("with an actor that never comes ends when that is known", () => {
    const pair = new Pair();
    pair.links.plan("b");
    pair.join("a");
    pair.links.dismiss("b");
    pair.pass();
    expect(pair.told["a"]).toEqual(["up", "killed"]);
  });
});
