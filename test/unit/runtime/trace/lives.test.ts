import { describe, expect, it } from "vitest";
import { TraceLog } from "../../../../runtime/simulation/trace-log.ts";
import { Lives } from "../../../../runtime/trace/lives.ts";
import { Recorder } from "../../../../runtime/trace/recorder.ts";

/** Lives whose record is at hand, as `kind subject <- cause`. */
function living(): { readonly lives: Lives; readonly told: () => readonly string[] } {
  const log = new TraceLog();
  const clock = { nowMs: () => 1_000, monotonicMs: () => 1_000 };
  const lives = new Lives(new Recorder("supervisor", clock as never, log.sink("supervisor")));
  const told = (): readonly string[] =>
    log.events.map(({ kind, subject, cause }) =>
      cause === "" ? `${kind} ${subject}` : `${kind} ${subject} <- ${cause}`,
    );
  return { lives, told };
}

describe("the record of actors' lives", () => {
  it("has the end of an actor come of who killed it, and the next start of that", () => {
    const { lives, told } = living();
    lives.blame("etcd-0", lives.asked("kill", "etcd-0"));
    lives.ended("etcd-0", "killed");
    expect(told()).toEqual(["kill etcd-0", "down etcd-0 <- supervisor#1"]);
    expect(lives.originOf("etcd-0").cause).toBe("supervisor#2");
  });

  it("has the kill of a machine come of the fault that took it", () => {
    const { lives, told } = living();
    lives.struck("power", "node-loss", "worker-1");
    lives.blame("worker-1/kubelet", lives.asked("kill", "worker-1"));
    lives.ended("worker-1/kubelet", "killed");
    expect(told()).toEqual([
      "fault worker-1",
      "kill worker-1 <- supervisor#1",
      "down worker-1/kubelet <- supervisor#2",
    ]);
  });

  it("does not blame a fault for an end that it does not bring about", () => {
    const { lives, told } = living();
    lives.struck("nap", "actor-hang", "etcd-0", "hang");
    lives.ended("etcd-0", "throw", { cause: "etcd-0#9", lamport: 5_000_000 });
    lives.struck("nap", "actor-hang", "etcd-0", "hang");
    lives.ended("etcd-0", "hang");
    expect(told()).toEqual(["fault etcd-0", "down etcd-0 <- etcd-0#9", "fault etcd-0", "down etcd-0 <- supervisor#3"]);
  });

  it("does not have a kill come of a fault that the actor has come through", () => {
    const { lives, told } = living();
    lives.struck("nap", "actor-hang", "etcd-0", "hang");
    expect(lives.isBlamed("etcd-0")).toBe(false);
    lives.blame("etcd-0", lives.asked("kill", "etcd-0"));
    lives.ended("etcd-0", "killed");
    expect(told()).toEqual(["fault etcd-0", "kill etcd-0", "down etcd-0 <- supervisor#2"]);
  });

  it("blames one kill for one end", () => {
    const { lives, told } = living();
    lives.blame("etcd-0", lives.asked("kill", "etcd-0"));
    lives.ended("etcd-0", "killed");
    lives.ended("etcd-0", "hang");
    expect(told().at(-1)).toBe("down etcd-0");
  });

  it("stands behind the actor's own event of its end, however far ahead that actor's clock is", () => {
    const { lives } = living();
    expect(lives.ended("etcd-0", "throw", { cause: "etcd-0#9", lamport: 9e9 }).lamport).toBeGreaterThan(9e9);
  });
});

describe("an event that is recorded later", () => {
  it("is recorded once, when something names it, with what was under way when it was made", () => {
    const log = new TraceLog();
    const clock = { nowMs: () => 1_000, monotonicMs: () => 1_000 };
    const recorder = new Recorder("a-0", clock as never, log.sink("a-0"));
    const [never, later] = recorder.because("b-0#7", () => [
      recorder.later("reconcile", "q/never"),
      recorder.later("reconcile", "q/web"),
    ]);
    expect(never).toBeTypeOf("function");
    expect(log.count).toBe(0);
    recorder.because(later!, () => {
      recorder.event("write", "pods/default/web");
      expect(recorder.wireCause).toBe(1);
    });
    expect(recorder.wireCause).toBe(0);
    expect(log.events.map(({ kind, cause }) => [kind, cause])).toEqual([
      ["reconcile", "b-0#7"],
      ["write", "a-0#1"],
    ]);
  });
});
