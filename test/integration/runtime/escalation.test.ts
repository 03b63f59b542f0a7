/** What a supervisor does with ends on real threads: by the child's kind, up to giving up. */
import { describe, expect, it } from "vitest";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import type { SupervisedThreads } from "../../fixtures/threads.ts";
import { child, tree, useThreads } from "../../fixtures/threads.ts";

const { start } = useThreads();
let threads: SupervisedThreads;

const mortal = (name: string, rest: Partial<ChildSpec> = {}): ChildSpec => child(name, "mortal", rest);
const group = (
  name: string,
  restarts: number,
  children: SupervisorSpec["children"],
  rest: Partial<SupervisorSpec> = {},
): SupervisorSpec => tree(children, { name, intensity: { restarts, periodMs: 60_000 }, ...rest });

async function supervise(spec: SupervisorSpec): Promise<void> {
  threads = await start(spec);
}

const incarnation = (name: string): Promise<string> => threads.ref(mortalProtocol, name).call("incarnation", null);

describe("a call that is idempotent", () => {
  it("is made anew at the replacement of an actor that dies under it, within its deadline", async () => {
    await supervise(group("root", 5, [mortal("a")]));
    const before = await incarnation("a");
    const ref = threads.ref(mortalProtocol, "a");
    const answer = ref.call("steady", { notIn: before });
    const short = ref.call("steady", { notIn: before }, { timeoutMs: 30 });
    await expect(short).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await threads.host.kill("a");
    const whileDown = ref.call("steady", { notIn: before });
    const after = await answer;
    expect(after).not.toBe(before);
    expect(await whileDown).toBe(after);
  });

  it("fails when the actor does not come back before its deadline, or when its caller gives up", async () => {
    await supervise(group("root", 5, [mortal("a")]));
    const before = await incarnation("a");
    await threads.supervisor.takeOut("a", { kill: true });
    const ref = threads.ref(mortalProtocol, "a");
    const late = ref.call("steady", { notIn: before }, { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    const controller = new AbortController();
    const given = ref.call("steady", { notIn: before }, { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("escalation on threads", () => {
  it("restarts a whole group when one of it crashes too often, and leaves the rest of the tree alone", async () => {
    await supervise(group("root", 5, [group("group", 0, [mortal("a"), mortal("b")]), mortal("c")]));
    const before = await Promise.all(["a", "b", "c"].map(incarnation));
    const back = threads.next("up", "group");
    await threads.host.kill("a");
    await back;
    const after = await Promise.all(["a", "b", "c"].map(incarnation));
    expect(after.map((id, index) => id === before[index])).toEqual([false, false, true]);
    expect(threads.events).toContainEqual({ type: "escalate", supervisor: "group", child: "a", reason: "killed" });
  });

  it("ends the tree, and every thread of it, when the root gives up", async () => {
    await supervise(group("root", 0, [mortal("a"), mortal("b")]));
    const over = threads.next("terminated");
    await threads.host.kill("a");
    await over;
    expect(threads.events.at(-1)).toEqual({ type: "terminated", reason: "intensity-exceeded" });
    expect(threads.host.actors).toEqual([]);
  });

  it("ends the tree when it is told that restarts don't help", async () => {
    await supervise(group("root", 5, [mortal("a")]));
    const over = threads.next("terminated");
    threads.supervisor.giveUp("threads can't be ended");
    await over;
    expect(threads.events.at(-1)).toEqual({ type: "terminated", reason: "intensity-exceeded" });
  });

  it("restarts a transient actor that crashes, not one that ends normally, and a temporary one never", async () => {
    const children = [mortal("a", { restart: "transient" }), mortal("b", { restart: "temporary" })];
    await supervise(group("root", 5, children));
    const back = threads.next("up", "a");
    await threads.host.kill("a");
    await back;
    await threads.host.stop("a", 2_000);
    await threads.host.kill("b");
    expect(threads.supervisor.status().map(({ name, state }) => `${name} ${state}`)).toEqual([
      "root up",
      "a ended",
      "b ended",
    ]);
  });

  it("ends a group with its significant child", async () => {
    const pair = group("group", 5, [mortal("a", { restart: "transient", significant: true }), mortal("b")], {
      autoShutdown: "any_significant",
    });
    await supervise(group("root", 5, [pair, mortal("c")]));
    const over = threads.next("down", "group");
    await threads.host.stop("a", 2_000);
    await over;
    expect(threads.host.actors).toEqual(["c"]);
  });
});
