/** The supervisor as one serial process: whatever is asked of it, and whenever, one thing is done after the other. */
import { describe, expect, it } from "vitest";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { SupervisorEvent } from "../../../../runtime/supervisor/supervisor.ts";
import type { ChildSpec, SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { isSupervisor } from "../../../../runtime/supervisor/spec.ts";
import { actor, supervisor } from "./harness.ts";
import { HostDouble, turn } from "./host-double.ts";

const pair = () => supervisor("root", [actor("a"), actor("b")], { startInParallel: true });

async function runningTree(children: SupervisorSpec["children"]): Promise<HostDouble> {
  const host = new HostDouble(supervisor("root", children));
  const started = host.supervisor.start();
  await host.settle();
  await started;
  host.take();
  return host;
}

const namesOf = (spec: ChildSpec | SupervisorSpec): readonly string[] =>
  isSupervisor(spec) ? [spec.name, ...spec.children.flatMap(namesOf)] : [spec.name];

async function running(onEvent?: (event: SupervisorEvent) => void): Promise<HostDouble> {
  const host = new HostDouble(pair(), onEvent);
  const started = host.supervisor.start();
  await host.settle();
  await started;
  host.take();
  return host;
}

describe("a supervisor does one thing at a time", () => {
  it("ends what a listener takes out in the middle of a decision, and keeps nobody waiting", async () => {
    let taken: Promise<void> | undefined;
    const host = await running((event) => {
      if (event.type === "restart") taken ??= host.supervisor.takeOut(event.name, { kill: true });
    });
    host.down("a");
    expect(host.take()).toEqual(["start a", "down a", "restart a", "kill a"]);
    await host.settle();
    await taken;
    const stopped = host.supervisor.stop();
    await host.settle();
    await stopped;
    expect(host.running.size).toBe(0);
  });

  it("carries out a whole decision before it tells of it", async () => {
    const seen: string[] = [];
    const host = await running((event) => {
      if (event.type === "restart") seen.push(...host.running.keys());
    });
    host.down("a");
    expect(seen).toContain("a");
  });

  it("hears of an end that a command brings about at once after everything that was decided before it", async () => {
    const host = await running();
    host.onCommand = (command) => {
      if (command === "stop b") host.down("b", "normal");
    };
    const stopped = host.supervisor.stop();
    expect(host.take()).toEqual(["stop b", "stop a", "down b"]);
    await host.settle();
    await stopped;
  });
});

describe("a start that can't even begin", () => {
  const refusing = (how: "throws" | "rejects"): HostDouble => {
    const host = new HostDouble(pair());
    host.onCommand = (command) => {
      if (command !== "start a") return;
      host.running.delete("a");
      throw new Error("no thread to be had");
    };
    if (how === "rejects") {
      const start = host.start.bind(host);
      host.start = async (spec) => start(spec);
    }
    return host;
  };

  it.each(["throws", "rejects"] as const)("is a down, and fails the first start at once: its host %s", async (how) => {
    const host = refusing(how);
    const started = host.supervisor.start();
    await expect(started).rejects.toMatchObject({
      code: "START_FAILED",
      message: "a can't be started: no thread to be had",
    });
    expect(host.log).toContain("down a");
    host.onCommand = () => undefined;
    const stopped = host.supervisor.stop();
    await host.settle();
    await stopped;
    expect(host.running.size).toBe(0);
  });

  it("is a crash as any other once the tree has been up", async () => {
    const host = await running();
    host.onCommand = (command) => {
      if (command !== "start a") return;
      host.running.delete("a");
      throw new Error("no thread to be had");
    };
    host.down("a");
    await turn();
    host.onCommand = () => undefined;
    host.clock.pass(60_000);
    await host.settle();
    expect(host.supervisor.status()).toMatchObject([{ state: "up" }, { name: "a", state: "up", restarts: 2 }, {}]);
  });
});

describe("what can't come any more keeps nobody waiting", () => {
  const ended = async (): Promise<HostDouble> => {
    const host = await running();
    const stopped = host.supervisor.stop();
    await host.settle();
    await stopped;
    return host;
  };

  it("a tree that has never been started is stopped at once", async () => {
    await new HostDouble(pair()).supervisor.stop();
  });

  it("a start of a tree that is up, or has ended", async () => {
    await (await running()).supervisor.start();
    const host = await ended();
    await expect(host.supervisor.start()).rejects.toMatchObject({ code: "SUPERVISOR_GAVE_UP" });
    expect(host.running.size).toBe(0);
  });

  it("a child that is put back below a supervisor that does not run", async () => {
    const host = new HostDouble(supervisor("root", [supervisor("office", [actor("a")])]));
    const started = host.supervisor.start();
    await host.settle();
    await started;
    const taken = Promise.all([
      host.supervisor.takeOut("a", { kill: false }),
      host.supervisor.takeOut("office", { kill: false }),
    ]);
    await host.settle();
    await taken;
    await expect(host.supervisor.putBack("a")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await expect((await ended()).supervisor.putBack("a")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
  });

  it("a child that is put back and ends for good before it is up", async () => {
    const host = new HostDouble(supervisor("root", [actor("a", { restart: "temporary" })]));
    const started = host.supervisor.start();
    await host.settle();
    await started;
    host.down("a");
    const back = host.supervisor.putBack("a");
    host.down("a", "throw", new Error("its file is gone"));
    await expect(back).rejects.toThrow("its file is gone");
  });

  it.each(["root", "nobody"])("%s can be neither killed nor taken out, and that is said", async (name) => {
    const host = await running();
    await expect(host.supervisor.kill(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(host.supervisor.takeOut(name, { kill: true })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(host.take()).toEqual([]);
  });

  it("a kill of an actor that does not run says so", async () => {
    await expect((await ended()).supervisor.kill("a")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
  });
});

describe("a listener that throws", () => {
  it("keeps nobody from hearing, and nothing from being carried out", async () => {
    const host = await running();
    const heard: string[] = [];
    host.supervisor.onEvent(() => {
      throw new Error("the listener is broken");
    });
    host.supervisor.onEvent((event) => void heard.push(event.type));
    expect(() => host.down("a")).toThrow("the listener is broken");
    expect(heard).toEqual(["down", "restart"]);
    expect(host.running.has("a")).toBe(true);
  });
});

describe("a child that comes to a running tree", () => {
  it("is checked with the whole tree, made known to its host, and started; who added it is told when it is up", async () => {
    const host = await running();
    const added = host.supervisor.addChild(actor("c", { links: ["a"] }));
    await turn();
    expect(host.take()).toEqual(["added c", "admit c", "start c"]);
    await host.up("c");
    await added;
    expect(host.supervisor.status().map(({ name, state }) => `${name} ${state}`)).toContain("c up");
    expect(host.supervisor.tree().children?.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    host.down("c");
    expect(host.take()).toEqual(["up c", "start c", "down c", "restart c"]);
  });

  it.each([
    ["a name that is taken", actor("a"), {}, "INVALID_SPEC"],
    ["a link to nobody", actor("c", { links: ["nobody"] }), {}, "INVALID_SPEC"],
    ["a supervisor that is none", actor("c"), { under: "a" }, "INVALID_ARGUMENT"],
    ["a supervisor that is not there", actor("c"), { under: "nobody" }, "INVALID_ARGUMENT"],
  ] as const)("is refused with %s, and nothing changes", async (_what, child, options, code) => {
    const host = await running();
    const before = host.supervisor.tree();
    await expect(host.supervisor.addChild(child, options)).rejects.toMatchObject({ code });
    expect(host.supervisor.tree()).toEqual(before);
    expect(host.take()).toEqual([]);
  });

  it("comes under the supervisor that is named, to the right of its others, and is checked with the whole tree", async () => {
    const host = await runningTree([supervisor("office", [actor("x")]), actor("a")]);
    const added = host.supervisor.addChild(actor("c"), { under: "office" });
    await turn();
    await host.settle();
    await added;
    expect(host.supervisor.spec().children.map((child) => namesOf(child))).toEqual([["office", "x", "c"], ["a"]]);
    await expect(host.supervisor.addChild(actor("a"), { under: "office" })).rejects.toMatchObject({
      code: "INVALID_SPEC",
    });
  });

  it("is refused at once, and nothing changes, while the supervisor is not up, has yet to be, or is being removed", async () => {
    const refused = async (host: HostDouble, under: string): Promise<void> => {
      host.take();
      const before = host.supervisor.tree();
      const added = host.supervisor.addChild(actor("c"), { under });
      await expect(added).rejects.toMatchObject({ code: "ACTOR_DOWN", retryable: true });
      expect(host.supervisor.tree()).toEqual(before);
      expect(host.take()).toEqual([]);
    };
    await refused(new HostDouble(pair()), "root");
    const starting = new HostDouble(pair());
    void starting.supervisor.start();
    await refused(starting, "root");
    const host = await runningTree([supervisor("node", [actor("x")]), actor("a")]);
    const removed = host.supervisor.removeChild("node");
    await refused(host, "node");
    await host.settle();
    await removed;
  });

  it("leaves again when its first start fails, with why, and costs its siblings nothing", async () => {
    const host = await running();
    const added = host.supervisor.addChild(actor("c"));
    await turn();
    host.take();
    host.down("c", "throw", new Error("its port is taken"));
    await expect(added).rejects.toThrow("its port is taken");
    expect(host.take()).toEqual(["down c", "dismiss c", "removed c"]);
    expect(host.supervisor.status().map(({ name, restarts }) => `${name} ${restarts}`)).toEqual([
      "root 0",
      "a 0",
      "b 0",
    ]);
  });

  it("is with its children one thing: an actor that can't start takes all of it out again", async () => {
    const host = await running();
    const added = host.supervisor.addChild(supervisor("node", [actor("x"), actor("y")], { startInParallel: true }));
    const failed = expect(added).rejects.toMatchObject({ code: "NO_LICENSE" });
    await turn();
    await host.up("x");
    host.take();
    host.down("y", "throw", new InkubeError("NO_LICENSE", "it may not run here"));
    await turn();
    expect(host.take()).toEqual(["start y", "down y", "restart y", "kill y", "kill x"]);
    await host.settle();
    await failed;
    expect([...host.running.keys()]).toEqual(["a", "b"]);
    expect(host.supervisor.status()).toHaveLength(3);
  });

  it("stays when it fails while another links to it, but nothing of it runs, and who added it is told why", async () => {
    const host = await running();
    const node = supervisor("node", [actor("x"), actor("y")], { startInParallel: true });
    const failed = expect(host.supervisor.addChild(node)).rejects.toMatchObject({ code: "NO_LICENSE" });
    await turn();
    await host.up("x");
    const friend = host.supervisor.addChild(actor("friend", { links: ["x"] }));
    await turn();
    await host.up("friend");
    await friend;
    host.down("y", "throw", new InkubeError("NO_LICENSE", "it may not run here"));
    await turn();
    await host.settle();
    await failed;
    expect([...host.running.keys()]).toEqual(["a", "b", "friend"]);
    expect(host.supervisor.status().find(({ name }) => name === "node")).toMatchObject({ state: "ended" });
  });

  it("is not started, nor known to its host, when it is removed in the same breath", async () => {
    const host = await running();
    const failed = expect(host.supervisor.addChild(actor("c"))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await host.supervisor.removeChild("c");
    await failed;
    expect(host.take()).toEqual(["added c", "dismiss c", "removed c"]);
  });

  it("is not taken for another that comes by its name in the same breath", async () => {
    const host = await running();
    const failed = expect(host.supervisor.addChild(actor("c"))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    const removed = host.supervisor.removeChild("c");
    const next = host.supervisor.addChild(actor("c"));
    await removed;
    await failed;
    await turn();
    expect(host.take()).toEqual(["added c", "dismiss c", "removed c", "added c", "admit c", "start c"]);
    await host.up("c");
    await next;
    expect(host.supervisor.status().find(({ name }) => name === "c")).toMatchObject({ state: "up" });
  });

  it.each(["is removed", "ends"])(
    "fails when it %s as soon as it is up, before who added it hears of that",
    async (how) => {
      const host = await running((event) => {
        if (event.type !== "up" || event.name !== "c") return;
        if (how === "is removed") void host.supervisor.removeChild("c");
        else host.down("c", "normal");
      });
      host.onCommand = (command) => {
        if (command === "stop c") host.down("c", "normal");
      };
      const failed = expect(host.supervisor.addChild(actor("c"))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
      await turn();
      await host.up("c");
      await failed;
      expect(host.supervisor.status()).toHaveLength(3);
      expect(host.running.has("c")).toBe(false);
    },
  );

  it("leaves with a supervisor above it that is removed meanwhile, and is not taken for another by its name either", async () => {
    let next: Promise<void> | undefined;
    const host = new HostDouble(
      supervisor("root", [supervisor("node", [supervisor("office", [actor("x")]), actor("y")])]),
      (event) => {
        if (event.type === "removed" && event.name === "node") next = host.supervisor.addChild(actor("c"));
      },
    );
    const started = host.supervisor.start();
    await host.settle();
    await started;
    const removed = host.supervisor.removeChild("node");
    // Its turn to stop has not come.
    expect(host.supervisor.status().find(({ name }) => name === "office")).toMatchObject({ state: "up" });
    const failed = expect(host.supervisor.addChild(actor("c"), { under: "office" })).rejects.toMatchObject({
      code: "ACTOR_DOWN",
    });
    await turn();
    expect([...host.running.keys()]).toEqual(["x", "y", "c"]);
    host.onCommand = (command) => {
      const [what, name] = command.split(" ");
      if (what === "stop") host.down(name!, "normal");
    };
    host.down("y", "normal");
    await removed;
    await failed;
    await turn();
    await host.up("c");
    await next;
    expect(host.supervisor.status().map(({ name, state }) => `${name} ${state}`)).toEqual(["root up", "c up"]);
  });

  it("is not started when its supervisor begins anew before its host knows it", async () => {
    const host = await runningTree([
      supervisor("office", [actor("x")], { intensity: { restarts: 0, periodMs: 1_000 } }),
    ]);
    const admitted = new Map<string, () => void>();
    host.admit = ([spec]) => new Promise((resolve) => void admitted.set(spec!.name, resolve));
    const added = host.supervisor.addChild(actor("c"), { under: "office" });
    host.down("x");
    await host.up("x");
    expect([...host.running.keys()]).toEqual(["x"]);
    admitted.get("c")!();
    await turn();
    await host.up("c");
    await added;
  });

  it("fails when the tree is stopped, or it is removed, before it is up", async () => {
    for (const how of ["stop", "remove"] as const) {
      const host = await running();
      const failed = expect(host.supervisor.addChild(actor("c"))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
      await turn();
      const ended = how === "stop" ? host.supervisor.stop() : host.supervisor.removeChild("c");
      await host.settle();
      await ended;
      await failed;
      expect(host.supervisor.status()).toHaveLength(3);
    }
  });
});

describe("a child that leaves a running tree", () => {
  it("is stopped gracefully, is not restarted, and its name is free", async () => {
    const host = await running();
    const removed = host.supervisor.removeChild("b");
    expect(host.take()).toEqual(["stop b"]);
    host.down("b", "normal");
    await removed;
    expect(host.take()).toEqual(["down b", "dismiss b", "removed b"]);
    const added = host.supervisor.addChild(actor("b"));
    await turn();
    await host.up("b");
    await added;
  });

  it("is forgotten: one that comes by its name has not failed, nor ended, as it did", async () => {
    const host = await running();
    const failed = expect(host.supervisor.addChild(actor("c"))).rejects.toMatchObject({ code: "NO_LICENSE" });
    await turn();
    host.down("c", "throw", new InkubeError("NO_LICENSE", "it may not run here"));
    await failed;
    const failedToo = expect(host.supervisor.addChild(actor("c"))).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await turn();
    host.down("c", "killed");
    await failedToo;
    const added = host.supervisor.addChild(actor("c"));
    await turn();
    await host.up("c");
    await added;
    expect(host.supervisor.tree().children?.at(-1)).toEqual({ name: "c", state: "up", restarts: 0 });
  });

  it("has left when it has, not when another has", async () => {
    const host = await running();
    const told: string[] = [];
    const removed = ["a", "b"].map((name) => host.supervisor.removeChild(name).then(() => void told.push(name)));
    host.down("b", "normal");
    await turn();
    expect(told).toEqual(["b"]);
    expect(host.supervisor.status().map(({ name }) => name)).toEqual(["root", "a"]);
    host.down("a", "normal");
    await Promise.all(removed);
  });

  it("leaves alone: its siblings stay, and are supervised", async () => {
    const host = await running();
    const removed = host.supervisor.removeChild("a");
    await host.settle();
    await removed;
    expect(host.supervisor.status().map(({ name, state }) => `${name} ${state}`)).toEqual(["root up", "b up"]);
    host.down("b");
    expect(host.running.has("b")).toBe(true);
  });

  it("leaves with everything below it, whose links among each other hold nobody", async () => {
    const host = await runningTree([supervisor("node", [actor("x"), actor("y", { links: ["x"] })]), actor("a")]);
    const removed = host.supervisor.removeChild("node");
    await host.settle();
    await removed;
    expect(host.take()).toEqual(["stop y", "stop x", "down y", "down x", "down node", "dismiss x, y", "removed node"]);
    expect([...host.running.keys()]).toEqual(["a"]);
  });

  it("leaves once, also when it is a supervisor without actors, which ends at once", async () => {
    const host = await runningTree([supervisor("node", []), actor("a")]);
    await host.supervisor.removeChild("node");
    expect(host.take()).toEqual(["down node", "dismiss ", "removed node"]);
    expect(host.supervisor.status().map(({ name }) => name)).toEqual(["root", "a"]);
  });

  it("leaves also when it is down, waits for its restart, or was taken out", async () => {
    const host = await running();
    host.down("a");
    host.down("a");
    await host.supervisor.removeChild("a");
    const taken = host.supervisor.takeOut("b", { kill: true });
    await host.settle();
    await taken;
    await host.supervisor.removeChild("b");
    expect(host.supervisor.status()).toHaveLength(1);
    host.clock.pass(60_000);
    expect(host.running.size).toBe(0);
  });

  it("stays while another links to it", async () => {
    const host = new HostDouble(supervisor("root", [actor("a"), actor("b", { links: ["a"] })]));
    const started = host.supervisor.start();
    await host.settle();
    await started;
    await expect(host.supervisor.removeChild("a")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("b links to a") as string,
    });
    expect([...host.running.keys()]).toEqual(["a", "b"]);
  });

  it("can't be put back while it ends, nor be the root", async () => {
    const host = await running();
    const removed = host.supervisor.removeChild("a");
    await expect(host.supervisor.putBack("a")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(host.supervisor.removeChild("root")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await host.settle();
    await removed;
  });
});
