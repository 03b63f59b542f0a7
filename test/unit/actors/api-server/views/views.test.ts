/** What becomes of requests and watches under faults of a plan, as it is decided. */
import { describe, expect, it } from "vitest";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { ApiFault } from "../../../../../protocols/api-faults.ts";
import type { ApiEvent } from "../../../../../actors/api-server/core/views/trigger.ts";
import type { Effect } from "../../../../../actors/api-server/core/views/views.ts";
import { ViewRules } from "../../../../../actors/api-server/core/views/views.ts";

const REVISION = 40;
const ALWAYS = (): boolean => true;

function rulesWith(...faults: readonly ApiFault[]): ViewRules {
  const rules = new ViewRules();
  rules.set(faults, 0);
  return rules;
}

function write(given: Partial<ApiEvent> = {}): ApiEvent {
  const place = { by: "web", resource: "configmaps", namespace: "default", name: "a" };
  return { on: "write", phase: "before", ...place, verb: "update", revision: REVISION, ...given };
}

function delivery(verb: string, revision: number): ApiEvent {
  return write({ on: "delivery", verb, revision });
}

function done(effects: readonly Effect[]): readonly string[] {
  return effects.map((effect) => ("fault" in effect ? `${effect.do} ${effect.fault.id}` : effect.do));
}

/** Fates of requests one after the other, each with both of its phases. */
function fates(rules: ViewRules, events: readonly ApiEvent[]): readonly string[] {
  return events.map((event, index) => {
    const before = rules.request(event, index, REVISION, ALWAYS).fate;
    if (before.is !== "as-ever") return before.is;
    return rules.request({ ...event, phase: "after" }, index, REVISION, ALWAYS).fate.is;
  });
}

describe("a fault that is awaited", () => {
  const awaited = {
    id: "kill",
    kind: "awaited",
    when: { on: "write", phase: "after", verb: "create", nth: 2 },
  } as const;

  it("has come once, with what anybody did, whatever else that request meets", () => {
    const rules = new ViewRules();
    const refuses: ApiFault = { id: "no", kind: "api-error", by: "*", when: { atMs: 0 }, status: 500 };
    rules.set([awaited, refuses], 0);
    rules.pass(0, REVISION);
    const struck = ["web", "other/kubelet", "web", "web"].map((by) => {
      const event = write({ by, verb: "create" });
      const before = rules.request(event, 0, REVISION, ALWAYS);
      if (before.fate.is !== "as-ever") return done(before.effects);
      return done(rules.request({ ...event, phase: "after" }, 0, REVISION, ALWAYS).effects);
    });
    expect(struck).toEqual([["strike no"], [], ["strike kill"], []]);
  });

  it("is told with what it came by", () => {
    const rules = new ViewRules();
    rules.set([{ ...awaited, when: { on: "write" } }], 0);
    const { effects } = rules.request(write(), 0, REVISION, ALWAYS);
    expect(effects).toMatchObject([{ do: "strike", what: "is triggered before update configmaps default/a by web" }]);
  });
});

describe("an error of the API", () => {
  it.each([
    [409, "Conflict", undefined],
    [429, "TooManyRequests", 3],
    [500, "InternalError", undefined],
    [504, "Timeout", undefined],
  ] as const)("%i is told as Kubernetes tells it", (status, reason, retryAfterSeconds) => {
    const rules = rulesWith({
      id: "f",
      kind: "api-error",
      by: "web",
      when: { on: "write" },
      status,
      retryAfterMs: 2_500,
    });
    const { fate, effects } = rules.request(write(), 0, REVISION, ALWAYS);
    if (fate.is !== "refused") throw new Error(fate.is);
    expect(statusOf(fate.error)).toMatchObject({ kind: "Status", status: "Failure", code: status, reason });
    expect(statusOf(fate.error)?.details?.retryAfterSeconds).toBe(retryAfterSeconds);
    expect(done(effects)).toEqual(["strike f"]);
  });

  it("410 is for lists of the past only: what is newest is never too old", () => {
    const gone: ApiFault = { id: "f", kind: "api-error", by: "web", when: { on: "read" }, on: "read", status: 410 };
    const list = write({ on: "read", verb: "list", name: "" });
    expect(fates(rulesWith(gone), [list, write({ on: "read", verb: "get" })])).toEqual(["as-ever", "as-ever"]);
    const { fate } = rulesWith(gone).request({ ...list, isOfPast: true }, 0, REVISION, ALWAYS);
    if (fate.is !== "refused") throw new Error(fate.is);
    expect(statusOf(fate.error)).toMatchObject({ code: 410, reason: "Expired" });
  });

  it("strikes once, and the first request that it is for", () => {
    const fault: ApiFault = { id: "f", kind: "api-error", by: "web", when: { atMs: 0 }, verb: "delete", status: 500 };
    const rules = rulesWith(fault);
    rules.pass(0, REVISION);
    const events = [
      write(),
      write({ verb: "delete", by: "shop" }),
      write({ verb: "delete" }),
      write({ verb: "delete" }),
    ];
    expect(fates(rules, events)).toEqual(["as-ever", "as-ever", "refused", "as-ever"]);
  });

  it("strikes each request until it ends, as often as its chance says, and is told once", () => {
    const until = { on: "write", verb: "delete" } as const;
    const rules = rulesWith({
      id: "f",
      kind: "api-error",
      by: "web",
      when: { on: "write" },
      until,
      status: 500,
      chance: 0.5,
    });
    let asked = 0;
    const everySecond = (_fault: unknown, chance: number | undefined): boolean => chance === 0.5 && asked++ % 2 === 0;
    const struck = [1, 2, 3, 4].map((nowMs) => rules.request(write(), nowMs, REVISION, everySecond));
    expect(struck.map(({ fate }) => fate.is)).toEqual(["refused", "as-ever", "refused", "as-ever"]);
    expect(struck.flatMap(({ effects }) => done(effects))).toEqual(["strike f"]);
    const end = rules.request(write({ verb: "delete" }), 5, REVISION, everySecond);
    expect([end.fate.is, done(end.effects)]).toEqual(["as-ever", ["end f", "release"]]);
  });
});

it("a lost reply is that of a write that was carried out", () => {
  const rules = rulesWith({ id: "f", kind: "reply-lost", by: "web", when: { on: "write", nth: 2 } });
  expect(rules.request(write(), 0, REVISION, ALWAYS).fate.is).toBe("as-ever");
  expect(fates(rules, [write(), write()])).toEqual(["lost", "as-ever"]);
});

describe("a crash", () => {
  it.each(["before", "after"] as const)("%s a write leaves its request without an answer", (phase) => {
    const rules = rulesWith({ id: "f", kind: "controller-crash", by: "web", when: { on: "write", phase } });
    expect(fates(rules, [write(), write()])).toEqual(["never", "as-ever"]);
  });

  it("at another client's request does nothing to that one", () => {
    const rules = rulesWith({ id: "f", kind: "controller-crash", by: "web", when: { on: "write", by: "admin" } });
    const { fate, effects } = rules.request(write({ by: "admin" }), 0, REVISION, ALWAYS);
    expect([fate.is, done(effects)]).toEqual(["as-ever", ["strike f"]]);
  });

  it("is not begun again while whoever drives the plan has not heard of it", () => {
    const fault: ApiFault = { id: "f", kind: "controller-crash", by: "web", when: { on: "write" } };
    const rules = rulesWith(fault);
    rules.request(write(), 0, REVISION, ALWAYS);
    rules.set([fault], 1);
    expect(rules.request(write(), 2, REVISION, ALWAYS).effects).toEqual([]);
  });
});

describe("watches", () => {
  const BIRTH = { on: "delivery", verb: "ADDED" } as const;
  const DEATH = { on: "delivery", verb: "DELETED" } as const;

  it("are held from the very event that begins it until the one that ends it", () => {
    const rules = rulesWith({ id: "f", kind: "watch-hold", by: "web", of: "configmaps", when: BIRTH, until: DEATH });
    const isHeld = (): boolean => rules.isHeld("web", "configmaps", REVISION);
    expect(isHeld()).toBe(false);
    expect(done(rules.delivers(delivery("ADDED", 5), 1, REVISION))).toEqual(["strike f"]);
    expect([isHeld(), rules.isHeld("web", "secrets", 1), rules.isHeld("shop", "configmaps", 1)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(done(rules.delivers(delivery("DELETED", 6), 2, REVISION))).toEqual(["end f", "release"]);
    expect(isHeld()).toBe(false);
  });

  it("expire before what was held is told, where the plan says so first", () => {
    const rules = rulesWith(
      { id: "expire", kind: "watch-expire", by: "web", of: "configmaps", when: { seq: [BIRTH, DEATH] } },
      { id: "hold", kind: "watch-hold", by: "web", of: "configmaps", when: BIRTH, until: DEATH },
    );
    rules.delivers(delivery("ADDED", 5), 1, REVISION);
    const effects = rules.delivers(delivery("DELETED", 6), 2, REVISION);
    expect(done(effects)).toEqual(["strike expire", "end-watches", "end hold", "release"]);
    expect(effects[1]).toEqual({ do: "end-watches", by: "web", of: "configmaps", expired: true });
  });

  it.each([
    ["now", REVISION],
    ["before", 4],
    [17, 17],
    [1_000, REVISION],
  ] as const)("of a view that stopped at %s tell nothing beyond it", (at, stopped) => {
    const rules = rulesWith({ id: "f", kind: "view-stale", by: "web", of: "configmaps", at, when: BIRTH });
    expect(rules.stoppedAt("web", "configmaps")).toBe(undefined);
    rules.delivers(delivery("ADDED", 5), 1, REVISION);
    expect(rules.stoppedAt("web", "configmaps")).toBe(stopped);
    expect([stopped, stopped + 1].map((revision) => rules.isHeld("web", "configmaps", revision))).toEqual([
      false,
      true,
    ]);
    expect(rules.stoppedAt("web", "secrets")).toBe(undefined);
  });

  it("are free again when the plan is over", () => {
    const rules = rulesWith({ id: "f", kind: "watch-hold", by: "web", of: "configmaps", when: { atMs: 5 } });
    expect(rules.dueMs).toBe(5);
    rules.pass(5, REVISION);
    expect(rules.isHeld("web", "configmaps", 1)).toBe(true);
    expect(done(rules.set([], 6))).toEqual(["release"]);
    expect(rules.isHeld("web", "configmaps", 1)).toBe(false);
  });
});
