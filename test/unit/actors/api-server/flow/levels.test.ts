import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRIORITY_LEVELS } from "../../../../../actors/api-server/core/bootstrap/flow-control.ts";
import { handOf } from "../../../../../actors/api-server/core/flow/hand.ts";
import type { Level, Ticket } from "../../../../../actors/api-server/core/flow/levels.ts";
import { EXEMPT_WAITING_MAX, Levels, widthOfList } from "../../../../../actors/api-server/core/flow/levels.ts";
import type { PriorityLevelConfiguration } from "../../../../../protocols/kubernetes/types/flowcontrol-v1.ts";

const initial = Object.entries(PRIORITY_LEVELS).map(([name, spec]) => ({ metadata: { name, uid: name }, spec }));

function levelsOf(...more: readonly PriorityLevelConfiguration[]): (name: string) => { all: Levels; level: Level } {
  const all = new Levels(600);
  all.configure([...initial, ...more]);
  return (name) => ({ all, level: all.get(name)! });
}

function jail(queuing?: { queues: number; handSize: number; queueLengthLimit: number }): PriorityLevelConfiguration {
  const limitResponse = queuing === undefined ? { type: "Reject" } : { type: "Queue", queuing };
  const limited = { nominalConcurrencyShares: 0, limitResponse, lendablePercent: 0, borrowingLimitPercent: 0 };
  return { metadata: { name: "jail" }, spec: { type: "Limited", limited } };
}

/** What begins, in order, when each takes as long as `ms` says. */
function drained(all: Levels, tickets: ReadonlyMap<Ticket, string>, ms: (who: string) => number): readonly string[] {
  const order: string[] = [];
  for (let ticket = all.next(); ticket !== undefined; ticket = all.next()) {
    const who = tickets.get(ticket) ?? "";
    order.push(who);
    all.leave(ticket, ms(who));
  }
  return order;
}

describe("a server's seats", () => {
  it("are divided as kube-apiserver 1.37.1 divides its 600", () => {
    const at = levelsOf();
    const seats = initial.map(({ metadata: { name } }) => [name, at(name).level.seats]);
    // Its metric apiserver_flowcontrol_nominal_limit_seats.
    expect(Object.fromEntries(seats)).toEqual({
      "catch-all": 13,
      exempt: 0,
      "global-default": 49,
      "leader-election": 25,
      "node-high": 98,
      system: 74,
      "workload-high": 98,
      "workload-low": 245,
    });
  });

  it("are lent where they are not used, up to those that no level lends", () => {
    const { all, level } = levelsOf()("global-default");
    let begun = 0;
    while (typeof all.enter(level, () => `${begun}`, 1, true) === "object" && level.taken > begun) begun = level.taken;
    const kept = initial.reduce(
      (sum, { metadata: { name } }) => sum + (name === level.name ? 0 : all.get(name)!.kept),
      0,
    );
    expect(begun).toBe(600 - kept);
    // Whoever has lent them takes them back at once, all that are its own and no more.
    const lender = all.get("workload-low")!;
    const entered = Array.from({ length: lender.seats + 1 }, () => all.enter(lender, () => "", 1, true) as Ticket);
    expect(entered.filter(({ begin }) => begin === undefined)).toHaveLength(lender.seats);
  });

  it("are no longer kept for a level that has gone, though something of it is under way", () => {
    const { all, level } = levelsOf()("workload-high");
    const slow = all.enter(level, () => "", 1, true) as Ticket;
    const rest = initial.filter(({ metadata: { name } }) => name !== level.name);
    all.configure(rest);
    expect(all.get(level.name)).toBe(level);
    all.leave(slow, 0);
    const last = all.get("global-default")!;
    let begun = 0;
    while (typeof all.enter(last, () => `${begun}`, 1, true) === "object" && last.taken > begun) begun = last.taken;
    const kept = rest.reduce((sum, { metadata: { name } }) => sum + (name === last.name ? 0 : all.get(name)!.kept), 0);
    expect(begun).toBe(600 - kept);
  });

  it("let one request in where there are none, and the next one is refused as by kube-apiserver", () => {
    const { all, level } = levelsOf(jail())("jail");
    const first = all.enter(level, () => "", 10, true) as Ticket;
    expect(first.begin).toBeUndefined();
    expect(all.enter(level, () => "", 1, true)).toBe("concurrency-limit");
    all.leave(first, 1);
    expect(all.enter(level, () => "", 1, true)).toMatchObject({ begin: undefined });
  });

  it("are more the wider a list is, up to ten", () => {
    expect([0, 1, 100, 101, 999, 1_000, 50_000].map(widthOfList)).toEqual([1, 1, 1, 2, 10, 10, 10]);
  });
});

describe("a queue", () => {
  it("is stood in by whoever comes after one that waits, also where there is a seat", () => {
    const queuing = { queues: 1, handSize: 1, queueLengthLimit: 10 };
    const { metadata, spec } = jail(queuing);
    const five = { ...spec, limited: { ...spec!.limited!, nominalConcurrencyShares: 5 } };
    const { all, level } = levelsOf({ metadata, spec: five } as PriorityLevelConfiguration)("jail");
    const first = Array.from({ length: level.seats - 1 }, () => all.enter(level, () => "", 1, true) as Ticket);
    const wide = all.enter(level, () => "", 2, true) as Ticket;
    const later = all.enter(level, () => "", 1, true) as Ticket;
    expect([wide.begin, later.begin]).toEqual([expect.any(Function), expect.any(Function)]);
    all.leave(first[0]!, 1);
    expect([all.next(), all.next()]).toEqual([wide, undefined]);
    all.leave(first[1]!, 1);
    expect(all.next()).toBe(later);
  });

  it("holds so many, and one more is refused", () => {
    const { all, level } = levelsOf(jail({ queues: 1, handSize: 1, queueLengthLimit: 2 }))("jail");
    const results = [1, 2, 3, 4].map(() => all.enter(level, () => "one", 1, true));
    expect(results.map((each) => (typeof each === "string" ? each : each.begin === undefined))).toEqual([
      true,
      false,
      false,
      "queue-full",
    ]);
  });

  it("refuses nobody for whom there is a seat, however many wait for their turn", () => {
    const { all, level } = levelsOf()("workload-low");
    // As many as have seats, and as many as the six queues of a flow hold besides.
    const entered = Array.from({ length: 245 + 300 - 5 }, () => all.enter(level, () => "one", 1, false));
    expect(entered.filter((each) => typeof each === "string")).toEqual([]);
    expect(Array.from({ length: 500 }, () => all.enter(level, () => "one", 1, false))).toContain("queue-full");
    const exempt = Array.from({ length: 5_000 }, () => all.enter(all.get("exempt")!, () => "admin", 1, false));
    expect(exempt.filter((each) => typeof each === "string")).toEqual([]);
  });

  it("keeps so many who are exempt, and no more", () => {
    const { all } = levelsOf()("workload-low");
    const exempt = all.get("exempt")!;
    const enter = (): Ticket | string => all.enter(exempt, () => "admin", 1, false);
    const entered = Array.from({ length: EXEMPT_WAITING_MAX }, enter);
    expect(entered.filter((each) => typeof each === "string")).toEqual([]);
    expect(enter()).toBe("queue-full");
    all.withdraw(entered[0] as Ticket);
    expect(enter()).toBeTypeOf("object");
  });

  it("lets who gives up go, and its place is free", () => {
    const { all, level } = levelsOf(jail({ queues: 1, handSize: 1, queueLengthLimit: 1 }))("jail");
    const first = all.enter(level, () => "one", 1, true) as Ticket;
    const second = all.enter(level, () => "one", 1, true) as Ticket;
    expect([all.withdraw(second), all.withdraw(second), all.withdraw(first)]).toEqual([true, false, false]);
    expect(all.enter(level, () => "one", 1, true)).toBeTypeOf("object");
    all.leave(first, 1);
    expect([all.next()?.level, all.next()]).toEqual([level, undefined]);
  });
});

describe("the next turn", () => {
  it("is that of a flow that has just come, though another has filled its queues", () => {
    const { all, level } = levelsOf()("workload-low");
    const tickets = new Map<Ticket, string>();
    const ask = (who: string): unknown => {
      const ticket = all.enter(level, () => who, 1, false);
      return typeof ticket === "string" ? ticket : tickets.set(ticket, who);
    };
    for (let i = 0; i < 1_000; i++) ask("flood");
    for (let i = 0; i < 3; i++) ask("small");
    const order = drained(all, tickets, () => 1);
    // Six queues of the flood's are before it at most, each as often as it.
    expect(order.lastIndexOf("small")).toBeLessThan(3 * 7);
    expect(order.length).toBeGreaterThan(300);
  });

  it("goes by what a flow has cost, not by how often it has been served", () => {
    const queuing = { queues: 64, handSize: 1, queueLengthLimit: 100 };
    const one = { ...jail(queuing), metadata: { name: "one" } };
    const { all, level } = levelsOf(one)("one");
    const tickets = new Map<Ticket, string>();
    const flows = ["lists", "gets"];
    expect(handOf(flows[0]!, 64, 1)).not.toEqual(handOf(flows[1]!, 64, 1));
    for (let i = 0; i < 50; i++) {
      for (const who of flows) tickets.set(all.enter(level, () => who, 1, false) as Ticket, who);
    }
    const order = drained(all, tickets, (who) => (who === "lists" ? 39 : 1));
    expect(order.slice(0, 40).filter((who) => who === "lists").length).toBeLessThanOrEqual(3);
  });

  it("is a level's by its shares", () => {
    const at = levelsOf();
    const { all } = at("exempt");
    const tickets = new Map<Ticket, string>();
    for (let i = 0; i < 200; i++) {
      for (const name of ["workload-low", "global-default"]) {
        tickets.set(all.enter(at(name).level, () => String(i), 1, false) as Ticket, name);
      }
    }
    const order = drained(all, tickets, () => 1).slice(0, 120);
    expect(order.filter((name) => name === "global-default").length).toBe(120 / 6);
  });

  it("comes to everybody who waits, whoever leaves when", () => {
    const asked = fc.array(
      fc.record({ flow: fc.nat(5), width: fc.integer({ min: 1, max: 10 }), leaves: fc.boolean() }),
    );
    fc.assert(
      fc.property(asked, (requests) => {
        const { all, level } = levelsOf(jail({ queues: 8, handSize: 2, queueLengthLimit: 5 }))("jail");
        const waiting = new Set<Ticket>();
        const begun: Ticket[] = [];
        const proceed = (): void => {
          for (let next = all.next(); next !== undefined; next = all.next()) {
            expect(waiting.delete(next)).toBe(true);
            begun.push(next);
          }
        };
        for (const { flow, width, leaves } of requests) {
          const entered = all.enter(level, () => String(flow), width, true);
          if (typeof entered === "object" && entered.begin === undefined) begun.push(entered);
          else if (typeof entered === "object") waiting.add(entered);
          if (leaves && begun.length > 0) all.leave(begun.pop()!, 1);
          proceed();
          // One at a time is let in where there are no seats.
          expect(begun.length).toBeLessThanOrEqual(1);
        }
        for (let one = begun.pop(); one !== undefined; one = begun.pop()) {
          all.leave(one, 1);
          proceed();
        }
        expect([waiting.size, level.taken, all.areWaiting]).toEqual([0, 0, false]);
      }),
    );
  });
});

describe("a flow's hand", () => {
  it("has different queues, the same each time, and spreads evenly over all", () => {
    const counts = Array.from({ length: 64 }, () => 0);
    for (let i = 0; i < 2_000; i++) {
      const hand = handOf(`flow-${i}`, 64, 6);
      expect(new Set(hand).size).toBe(6);
      expect(hand).toEqual(handOf(`flow-${i}`, 64, 6));
      for (const queue of hand) counts[queue] = (counts[queue] ?? 0) + 1;
    }
    const even = (2_000 * 6) / 64;
    expect(Math.min(...counts)).toBeGreaterThan(even * 0.7);
    expect(Math.max(...counts)).toBeLessThan(even * 1.3);
  });
});
