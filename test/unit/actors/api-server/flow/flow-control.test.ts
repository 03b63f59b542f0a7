import { describe, expect, it } from "vitest";
import { Metrics } from "../../../../../runtime/metrics/metrics.ts";
import type { Entrant, Turns } from "../../../../../actors/api-server/flow-control.ts";
import { FlowControl, REFUSED_MAX, TooManyRequests } from "../../../../../actors/api-server/flow-control.ts";
import { EXEMPT_WAITING_MAX } from "../../../../../actors/api-server/core/flow/levels.ts";
import { FLOW_SCHEMAS } from "../../../../../actors/api-server/core/bootstrap/flow-control.ts";
import { API_SERVER_DEFAULTS } from "../../../../../actors/api-server/spec.ts";
import type {
  FlowSchema,
  PriorityLevelConfiguration,
} from "../../../../../protocols/kubernetes/types/flowcontrol-v1.ts";

/** Of a request: it is not answered. */
const NEVER = -1;

/** The event loop, and time, by hand. */
class Loop implements Turns {
  nowMs = 0;
  private turns: (() => void)[] = [];
  private after: (() => void)[] = [];
  private timers: { readonly atMs: number; readonly action: () => void; isOver: boolean }[] = [];

  next(action: () => void): void {
    this.turns.push(action);
  }

  afterAll(action: () => void): void {
    this.after.push(action);
  }

  later(delayMs: number, action: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, action, isOver: false };
    this.timers.push(timer);
    return { cancel: () => void (timer.isOver = true) };
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.timers) if (!timer.isOver && timer.atMs <= this.nowMs) timer.action();
  }

  /** One turn, with what promises bring in it. @returns whether there was anything to do */
  async turn(): Promise<boolean> {
    const actions = this.turns.splice(0);
    for (const action of actions) action();
    await settled();
    for (let next = this.after.shift(); next !== undefined; next = this.after.shift()) {
      next();
      await settled();
    }
    return actions.length > 0;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

const PODS = { group: "", version: "v1", name: "pods", resource: "pods", subresource: "", namespace: "", object: "" };

/** What the server has stored of flow control. */
type Stored = Map<string, Map<string, { object: FlowSchema | PriorityLevelConfiguration }>>;

function control(stored: Stored = new Map()): {
  loop: Loop;
  changed(this: void): void;
  ask(this: void, user: string, ms: number, objects?: number): void;
  done: string[];
  gone: (() => void)[];
} {
  const loop = new Loop();
  const followers: { changed(): void }[] = [];
  const changed = (): void => {
    for (const each of followers) each.changed();
  };
  const backend = {
    options: { ...API_SERVER_DEFAULTS, requestTimeoutMs: 4_000 },
    store: {
      follow: (_prefix: string, follower: { changed(): void }) => void followers.push(follower),
      cache: (prefix: string) => stored.get(prefix) ?? new Map(),
    },
    monotonicMs: () => loop.nowMs,
    metrics: new Metrics(),
    after: (delayMs: number, action: () => void) => loop.later(delayMs, action),
  };
  const flow = new FlowControl(backend as never, loop);
  const done: string[] = [];
  const gone: (() => void)[] = [];
  const entrant = (objects: number): Entrant => ({
    info: () => ({ verb: "list", path: "/api/v1/pods", resource: PODS }),
    objects: () => objects,
    isWatch: () => false,
    classified: () => undefined,
    onGone: (listener) => void gone.push(listener),
  });
  const ask = (user: string, ms: number, objects = 0): void => {
    void (async () => {
      try {
        const groups = user === "admin" ? ["system:masters"] : [];
        const leave = await flow.enter({ user, groups: [...groups, "system:authenticated"] }, entrant(objects));
        if (ms === NEVER) return;
        loop.nowMs += ms;
        done.push(user);
        leave();
      } catch (error) {
        if (!(error instanceof TooManyRequests)) throw error;
        done.push(`${user}: refused`);
      }
    })();
  };
  return { loop, changed, ask, done, gone };
}

describe("flow control", () => {
  it("lets what there is room for begin at once", async () => {
    const { ask, done } = control();
    for (let i = 0; i < 40; i++) ask("one", 0.1);
    await settled();
    expect(done).toHaveLength(40);
  });

  it("takes on some milliseconds' work a turn, and what another flow asks comes in the next one", async () => {
    const { loop, ask, done } = control();
    for (let i = 0; i < 300; i++) ask("flood", 0.1);
    await settled();
    expect(done.length).toBeLessThan(100);
    ask("small", 0.1);
    await loop.turn();
    expect(done).toContain("small");
    expect(done.length).toBeLessThan(200);
    while (await loop.turn());
    expect(done.filter((each) => each === "flood")).toHaveLength(300);
  });

  it("does the same for those who need no seats", async () => {
    const { loop, ask, done } = control();
    for (let i = 0; i < 10_000; i++) ask("admin", 0.1);
    ask("small", 0.1);
    await loop.turn();
    await loop.turn();
    expect(done).toContain("small");
    while (await loop.turn());
    expect(done.filter((each) => each === "admin")).toHaveLength(10_000);
  });

  it("tells at once those who would be too many to be told later", async () => {
    const { ask, done } = control();
    for (let i = 0; i < EXEMPT_WAITING_MAX + REFUSED_MAX + 300; i++) ask("admin", 0.1);
    await settled();
    const refused = done.filter((each) => each === "admin: refused").length;
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(301);
  });

  it("carries out one expensive list a turn", async () => {
    const { loop, ask, done } = control();
    for (let i = 0; i < 5; i++) ask("lists", 40, 10_000);
    await settled();
    expect(done).toEqual(["lists"]);
    ask("small", 0.1);
    await loop.turn();
    expect(done.indexOf("small")).toBeLessThanOrEqual(2);
    expect(done.length).toBeLessThanOrEqual(3);
    while (await loop.turn());
    expect(done).toHaveLength(6);
  });

  it("tells a flood that it is refused as fast as there are turns, and never all at once", async () => {
    const { loop, ask, done } = control();
    for (let i = 0; i < 5_000; i++) ask("flood", 0.1);
    await settled();
    const atOnce = done.filter((each) => each === "flood: refused").length;
    expect(atOnce).toBe(0);
    await loop.turn();
    expect(done.length).toBeGreaterThan(atOnce);
    while (await loop.turn());
    expect(done).toHaveLength(5_000);
    expect(done).toContain("flood: refused");
  });

  it("lets those who wait for a seat begin once their level has more", async () => {
    const limitResponse = { type: "Queue", queuing: { queues: 1, handSize: 1, queueLengthLimit: 100 } };
    const level = (shares: number): PriorityLevelConfiguration => ({
      metadata: { name: "global-default" },
      spec: {
        type: "Limited",
        limited: { nominalConcurrencyShares: shares, borrowingLimitPercent: 0, limitResponse },
      },
    });
    const levels = new Map([["global-default", { object: level(0) }]]);
    const schema: FlowSchema = { metadata: { name: "global-default" }, spec: FLOW_SCHEMAS["global-default"]! };
    const { loop, changed, ask, done } = control(
      new Map<string, Map<string, { object: FlowSchema | PriorityLevelConfiguration }>>([
        ["/registry/prioritylevelconfigurations", levels],
        ["/registry/flowschemas", new Map([["global-default", { object: schema }]])],
      ]),
    );
    ask("holds", NEVER);
    ask("waits", 0);
    while (await loop.turn());
    expect(done).toEqual([]);
    levels.set("global-default", { object: level(50) });
    changed();
    while (await loop.turn());
    expect(done).toEqual(["waits"]);
  });

  it("gives up on who has waited a quarter of its time, or has gone", async () => {
    const { loop, ask, done, gone } = control();
    for (let i = 0; i < 100; i++) ask("one", 0);
    await settled();
    const waiting = gone.length;
    expect(waiting).toBeGreaterThan(1);
    gone[1]!();
    await settled();
    expect(done.filter((each) => each.endsWith("refused"))).toHaveLength(1);
    loop.pass(1_001);
    await settled();
    expect(done.filter((each) => each.endsWith("refused"))).toHaveLength(waiting);
    while (await loop.turn());
    expect(done).toHaveLength(100);
  });
});
