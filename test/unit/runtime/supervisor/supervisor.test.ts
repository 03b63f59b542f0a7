/** The supervisor as one serial process: whatever is asked of it, and whenever, one thing is done after the other. */
import { describe, expect, it } from "vitest";
import type { SupervisorEvent } from "../../../../runtime/supervisor/supervisor.ts";
import { actor, supervisor } from "./harness.ts";
import { HostDouble, turn } from "./host-double.ts";

const pair = () => supervisor("root", [actor("a"), actor("b")], { startInParallel: true });

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
