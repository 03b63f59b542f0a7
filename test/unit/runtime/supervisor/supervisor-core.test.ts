import { describe, expect, it } from "vitest";
import { SupervisorCore } from "../../../../runtime/supervisor/core/supervisor-core.ts";
import type { Restart } from "../../../../runtime/supervisor/spec.ts";
import { Harness, actor, supervisor } from "./harness.ts";

function up(spec: ConstructorParameters<typeof Harness>[0]): Harness {
  const harness = new Harness(spec);
  harness.start();
  harness.settle();
  harness.take();
  return harness;
}

const abc = [actor("a"), actor("b"), actor("c")];

describe("starting and stopping", () => {
  it("starts from left to right, each child when the one before is up, through nested supervisors", () => {
    const harness = new Harness(supervisor("r", [supervisor("m", [actor("a"), actor("b")]), actor("c")]));
    harness.start();
    expect(harness.take()).toEqual(["start a"]);
    harness.started("a");
    expect(harness.take()).toEqual(["start b"]);
    expect(harness.core.get("m").state).toBe("starting");
    harness.started("b");
    expect(harness.core.get("m").state).toBe("up");
    expect(harness.take()).toEqual(["start c"]);
    expect(harness.core.get("r").state).toBe("starting");
    harness.started("c");
    expect(harness.core.get("r").state).toBe("up");
  });

  it("stops from right to left, each when the one after it is down", () => {
    const harness = up(supervisor("r", [supervisor("m", [actor("a"), actor("b")]), actor("c")]));
    harness.apply(harness.core.stop(harness.nowMs));
    expect(harness.take()).toEqual(["stop c"]);
    harness.down("c", "normal");
    expect(harness.take()).toEqual(["stop b"]);
    harness.down("b", "killed");
    expect(harness.take()).toEqual(["stop a"]);
    harness.down("a", "normal");
    expect(harness.take()).toEqual(["terminated normal"]);
  });

  it("starts and stops all at once where the spec says that children are independent", () => {
    const harness = new Harness(supervisor("r", abc, { startInParallel: true }));
    harness.start();
    expect(harness.take()).toEqual(["start a", "start b", "start c"]);
    harness.settle();
    harness.apply(harness.core.stop(harness.nowMs));
    expect(harness.take()).toEqual(["stop c", "stop b", "stop a"]);
  });

  it("is up and down at once when it has no actors", () => {
    const harness = new Harness(supervisor("r", [supervisor("m", []), supervisor("n", [supervisor("o", [])])]));
    harness.start();
    expect(harness.core.status().map(({ state }) => state)).toEqual(["up", "up", "up", "up"]);
    harness.apply(harness.core.stop(harness.nowMs));
    expect(harness.take()).toEqual(["terminated normal"]);
  });

  it("stops what is still starting, and starts nothing more", () => {
    const harness = new Harness(supervisor("r", abc));
    harness.start();
    harness.started("a");
    harness.take();
    harness.apply(harness.core.stop(harness.nowMs));
    expect(harness.take()).toEqual(["stop b"]);
    harness.apply(harness.core.childStarted("b", harness.nowMs));
    harness.down("b", "normal");
    harness.down("a", "normal");
    expect(harness.take()).toEqual(["stop a", "terminated normal"]);
  });

  it("starts the next child only when one that crashed at its start is up", () => {
    const harness = new Harness(supervisor("r", abc));
    harness.start();
    harness.started("a");
    harness.down("b", "start-timeout");
    expect(harness.take()).toEqual(["start a", "start b", "restart b in 0", "start b"]);
    harness.down("a");
    expect(harness.take()).toEqual(["restart a in 0", "start a"]);
    harness.started("b");
    expect(harness.take()).toEqual(["start c"]);
  });
});

describe("strategies", () => {
  it("one_for_one restarts the child alone", () => {
    const harness = up(supervisor("r", abc));
    harness.down("b");
    expect(harness.take()).toEqual(["restart b in 0", "start b"]);
  });

  it("one_for_all stops the others from right to left, then starts all from left to right", () => {
    const harness = up(supervisor("r", abc, { strategy: "one_for_all" }));
    harness.down("b");
    expect(harness.take()).toEqual(["restart b in 0", "stop c"]);
    harness.down("c", "normal");
    expect(harness.take()).toEqual(["stop a"]);
    harness.settle();
    expect(harness.take()).toEqual(["start a", "start b", "start c"]);
  });

  it("rest_for_one restarts the child and those after it, a supervisor among them with all of its actors", () => {
    const harness = up(
      supervisor("r", [actor("a"), actor("b"), supervisor("m", [actor("c"), actor("d")])], {
        strategy: "rest_for_one",
      }),
    );
    harness.down("b");
    harness.settle();
    expect(harness.take()).toEqual(["restart b in 0", "stop d", "stop c", "start b", "start c", "start d"]);
  });

  it("counts a sibling that dies while its group is stopped as stopped", () => {
    const harness = up(supervisor("r", abc, { strategy: "one_for_all", intensity: { restarts: 1, periodMs: 1_000 } }));
    harness.down("a");
    harness.down("b");
    harness.settle();
    expect(harness.take()).toEqual(["restart a in 0", "stop c", "start a", "start b", "start c"]);
  });

  it("leaves out of a group what has ended for good, and ends its temporary members", () => {
    const children = [actor("a"), actor("b", { restart: "transient" }), actor("c", { restart: "temporary" })];
    const harness = up(supervisor("r", children, { strategy: "one_for_all" }));
    harness.down("b", "normal");
    expect(harness.take()).toEqual([]);
    harness.down("a");
    harness.settle();
    expect(harness.take()).toEqual(["restart a in 0", "stop c", "start a"]);
  });
});

describe("when a child is restarted", () => {
  it.each<[Restart, string, boolean]>([
    ["permanent", "normal", true],
    ["permanent", "throw", true],
    ["transient", "normal", false],
    ["transient", "exit", true],
    ["transient", "hang", true],
    ["temporary", "normal", false],
    ["temporary", "out-of-memory", false],
  ])("a %s child that ends with %s: %s", (restart, reason, restarted) => {
    const harness = up(supervisor("r", [actor("a", { restart })]));
    harness.down("a", reason);
    expect(harness.running.has("a")).toBe(restarted);
    expect(harness.core.get("a").state).toBe(restarted ? "starting" : "ended");
  });
});

describe("back-off", () => {
  const backoff = { initialMs: 100, maxMs: 350, factor: 2, jitter: 0.5, resetAfterMs: 5_000 };

  function crash(harness: Harness, random: number): number {
    harness.take();
    harness.down("a", "throw", random);
    const delay = /in (.*)/.exec(harness.take()[0] ?? "")?.[1];
    harness.pass(Number(delay));
    harness.settle();
    return Number(delay);
  }

  it("restarts at once after health, then waits longer each time up to the maximum", () => {
    const harness = up(supervisor("r", [actor("a")], { backoff, intensity: { restarts: 100, periodMs: 1 } }));
    expect([0, 0, 0, 0, 0].map((random) => crash(harness, random))).toEqual([0, 100, 200, 350, 350]);
  });

  it("takes the drawn share of the jitter off", () => {
    const harness = up(supervisor("r", [actor("a")], { backoff, intensity: { restarts: 100, periodMs: 1 } }));
    expect([1, 1, 0.5].map((random) => crash(harness, random))).toEqual([0, 50, 150]);
  });

  it("begins anew when the child was up for long enough", () => {
    const harness = up(supervisor("r", [actor("a")], { backoff, intensity: { restarts: 100, periodMs: 1 } }));
    crash(harness, 0);
    crash(harness, 0);
    harness.pass(4_999);
    expect(crash(harness, 0)).toBe(200);
    harness.pass(5_000);
    expect(crash(harness, 0)).toBe(0);
  });

  it("holds the whole group back, also siblings that wait longer", () => {
    const harness = up(supervisor("r", abc, { strategy: "one_for_all", backoff: { ...backoff, jitter: 0 } }));
    harness.down("a");
    harness.settle();
    harness.down("a");
    harness.settle();
    expect([...harness.running]).toEqual([]);
    expect(harness.core.get("b").state).toBe("backoff");
    harness.pass(99);
    expect([...harness.running]).toEqual([]);
    harness.pass(1);
    expect([...harness.running.keys()]).toEqual(["a"]);
  });

  it("leaves no timer behind when it stops", () => {
    const harness = up(supervisor("r", [actor("a"), actor("b")], { backoff }));
    harness.down("a");
    harness.settle();
    harness.down("a");
    expect(harness.timers.size).toBe(1);
    harness.apply(harness.core.stop(harness.nowMs));
    harness.settle();
    expect(harness.timers.size).toBe(0);
    expect(harness.terminated).toBe("normal");
  });
});

describe("intensity", () => {
  const tight = { intensity: { restarts: 1, periodMs: 1_000 } };

  it("gives up at one restart more than allowed, stops every child, and the root ends", () => {
    const harness = up(supervisor("r", abc, tight));
    harness.down("a");
    harness.settle();
    harness.take();
    harness.down("b");
    expect(harness.take()).toEqual(["escalate r", "stop c"]);
    harness.settle();
    expect(harness.take()).toEqual(["stop a", "terminated intensity-exceeded"]);
  });

  it("forgets restarts that are older than the period", () => {
    const harness = up(supervisor("r", abc, tight));
    for (const name of ["a", "b", "c"]) {
      harness.down(name);
      harness.settle();
      harness.pass(1_000);
    }
    expect(harness.terminated).toBeUndefined();
  });

  it("escalates to the parent, which restarts the supervisor with all of its actors", () => {
    const harness = up(supervisor("r", [supervisor("m", [actor("a"), actor("b")], tight), actor("c")]));
    harness.down("a");
    harness.settle();
    harness.down("b");
    harness.settle();
    expect(harness.take()).toEqual([
      "restart a in 0",
      "start a",
      "escalate m",
      "stop a",
      "restart m in 0",
      "start a",
      "start b",
    ]);
    expect(harness.core.get("m")).toMatchObject({ state: "up", restarts: 1, inARow: 1 });
  });

  it("allows no restart at all with an intensity of 0", () => {
    const harness = up(supervisor("r", [actor("a")], { intensity: { restarts: 0, periodMs: 1_000 } }));
    harness.down("a");
    expect(harness.terminated).toBe("intensity-exceeded");
  });
});

describe("taking a child out on purpose", () => {
  it("ends a whole node at once and keeps it down until it is started again", () => {
    const harness = up(supervisor("r", [supervisor("worker", [actor("a"), actor("b")]), actor("c")]));
    harness.apply(harness.core.stopChild("worker", harness.nowMs, { kill: true }));
    expect(harness.take()).toEqual(["kill b", "kill a"]);
    harness.settle();
    harness.pass(60_000);
    expect(harness.take()).toEqual([]);
    expect(harness.core.get("worker").state).toBe("ended");
    harness.apply(harness.core.startChild("worker", harness.nowMs));
    harness.settle();
    expect(harness.take()).toEqual(["start a", "start b"]);
    expect(harness.core.get("worker").state).toBe("up");
  });

  it("does not count it as a restart, nor restart its siblings", () => {
    const harness = up(supervisor("r", abc, { strategy: "one_for_all", intensity: { restarts: 0, periodMs: 1_000 } }));
    harness.apply(harness.core.stopChild("b", harness.nowMs, { kill: false }));
    harness.settle();
    expect(harness.take()).toEqual(["stop b"]);
  });

  it("turns a graceful stop that takes too long for the caller into a kill", () => {
    const harness = up(supervisor("r", abc));
    harness.apply(harness.core.stopChild("b", harness.nowMs, { kill: false }));
    harness.apply(harness.core.stopChild("b", harness.nowMs, { kill: true }));
    expect(harness.take()).toEqual(["stop b", "kill b"]);
  });

  it("starts it again as soon as it is down when asked to before that", () => {
    const harness = up(supervisor("r", abc));
    harness.apply(harness.core.stopChild("b", harness.nowMs, { kill: false }));
    harness.apply(harness.core.startChild("b", harness.nowMs));
    harness.settle();
    expect(harness.take()).toEqual(["stop b", "start b"]);
  });

  it("lets a start go on without it", () => {
    const harness = new Harness(supervisor("r", abc));
    harness.start();
    harness.apply(harness.core.stopChild("a", harness.nowMs, { kill: true }));
    expect(harness.take()).toEqual(["start a", "kill a", "start b"]);
  });

  it("starts a child that has ended for good", () => {
    const harness = up(supervisor("r", [actor("a", { restart: "temporary" })]));
    harness.down("a");
    harness.apply(harness.core.startChild("a", harness.nowMs));
    expect(harness.take()).toEqual(["start a"]);
  });

  it("refuses names that are not in the tree", () => {
    const harness = up(supervisor("r", abc));
    expect(() => harness.core.stopChild("x", 0, { kill: true })).toThrow("there is no child x");
  });
});

describe("a supervisor that is there for some of its children (OTP's auto_shutdown)", () => {
  const children = [
    actor("a", { restart: "transient", significant: true }),
    actor("b", { restart: "transient", significant: true }),
    actor("c"),
  ];

  it("ends normally with the first of them that ends for good, and is not restarted", () => {
    const harness = up(supervisor("r", [supervisor("m", children, { autoShutdown: "any_significant" }), actor("z")]));
    harness.down("a", "normal");
    harness.settle();
    expect(harness.take()).toEqual(["stop c", "stop b"]);
    expect(harness.core.get("m").state).toBe("ended");
    expect(harness.core.get("z").state).toBe("up");
    expect(harness.terminated).toBeUndefined();
  });

  it("ends with the last of them, where all count; a crash is no end for good", () => {
    const harness = up(supervisor("r", children, { autoShutdown: "all_significant" }));
    harness.down("a", "normal");
    harness.down("b", "throw");
    harness.settle();
    expect(harness.core.get("r").state).toBe("up");
    harness.down("b", "normal");
    harness.settle();
    expect(harness.terminated).toBe("normal");
  });

  it("stays when it was not asked to end with them", () => {
    const harness = up(supervisor("r", children));
    harness.down("a", "normal");
    harness.down("b", "normal");
    expect(harness.core.get("r").state).toBe("up");
  });
});

describe("giving up from outside", () => {
  it("ends everything, in order, as an escalation to the root does", () => {
    const harness = up(supervisor("r", [supervisor("m", [actor("a")]), actor("b")]));
    harness.apply(harness.core.giveUp("nothing helps", harness.nowMs));
    harness.settle();
    expect(harness.take()).toEqual(["escalate r", "stop b", "stop a", "terminated intensity-exceeded"]);
    harness.apply([]);
    expect(harness.core.giveUp("again", harness.nowMs)).toEqual([]);
  });
});

it("a supervisor that leaves the tree takes the names of all that is below it along", () => {
  const core = new SupervisorCore(supervisor("root", [supervisor("n", [actor("x"), supervisor("m", [actor("y")])])]));
  const commands = core.removeChild("n", 0, { kill: false });
  expect(commands).toEqual([{ type: "removed", name: "n", actors: ["x", "y"] }]);
  expect(["n", "x", "m", "y"].filter((name) => core.has(name))).toEqual([]);
});
