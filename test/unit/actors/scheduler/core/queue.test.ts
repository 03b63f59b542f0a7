import { expect, it } from "vitest";
import type { PodInfo } from "../../../../../actors/scheduler/core/pod-info.ts";
import { podInfo } from "../../../../../actors/scheduler/core/pod-info.ts";
import { SchedulingQueue } from "../../../../../actors/scheduler/core/queue.ts";

function info(name: string, priority = 0, uid = name): PodInfo {
  return podInfo({ metadata: { name, namespace: "n", uid }, spec: { containers: [], priority } });
}

const options = { backoffBaseMs: 100, backoffCapMs: 300 };

it("hands out pods by priority, then in order of arrival", () => {
  const queue = new SchedulingQueue(options);
  for (const pod of [info("a"), info("b", 10), info("c"), info("d", 10)]) queue.set(pod, true, 0);
  expect([1, 2, 3, 4, 5].map(() => queue.take()?.key)).toEqual(["n/b", "n/d", "n/a", "n/c", undefined]);
});

it("brings an unschedulable pod back when something helps it, not before its pause is over", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a"), true, 0);
  queue.unschedulable(queue.take() as PodInfo, 0);
  queue.moveWhere(() => false, 10);
  expect(queue.counts().unschedulable).toBe(1);
  queue.moveWhere(() => true, 10);
  expect(queue.take()).toBeUndefined();
  expect(queue.advance(10)).toBe(100);
  expect(queue.advance(100)).toBeUndefined();
  expect(queue.take()?.key).toBe("n/a");
});

it("lengthens the pause with each attempt up to the cap", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a"), true, 0);
  const pauses: (number | undefined)[] = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    queue.retry(queue.take() as PodInfo, 0);
    pauses.push(queue.advance(0));
    queue.advance(1_000);
  }
  expect(pauses).toEqual([100, 200, 300, 300]);
});

it("gives an unschedulable pod another chance when its own spec changed, not for a status", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a"), true, 0);
  queue.unschedulable(queue.take() as PodInfo, 0);
  queue.set(info("a"), false, 0);
  expect(queue.hasActive).toBe(false);
  queue.set(info("a"), true, 0);
  expect(queue.hasActive).toBe(true);
});

it("treats a pod made anew under an old name as another pod", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a", 0, "1"), true, 0);
  const first = queue.take() as PodInfo;
  queue.set(info("a", 0, "2"), true, 0);
  queue.unschedulable(first, 0);
  expect(queue.take()?.uid).toBe("2");
});

it("forgets a pod that is gone, wherever it waits", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a"), true, 0);
  queue.set(info("b"), true, 0);
  queue.delete("n/a");
  queue.retry(queue.take() as PodInfo, 0);
  queue.delete("n/b");
  expect([queue.advance(1_000), queue.hasActive]).toEqual([undefined, false]);
});

it("holds a pod back while something is done for it, and remembers what would have helped", () => {
  const queue = new SchedulingQueue(options);
  const pod = info("a");
  queue.set(pod, true, 0);
  queue.take();
  queue.unschedulable(pod, 0, new Set(["X"]), true);
  queue.moveWhere(() => true, 200);
  expect(queue.counts()).toMatchObject({ unschedulable: 1, active: 0 });
  queue.release(pod, false, 200);
  expect(queue.take()?.key).toBe("n/a");
  queue.unschedulable(pod, 300, new Set(["X"]), true);
  queue.release(pod, false, 300);
  expect(queue.counts()).toMatchObject({ unschedulable: 1 });
});

it("tries what nothing has helped for five minutes again", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a"), true, 0);
  queue.unschedulable(queue.take() as PodInfo, 0);
  expect(queue.advance(299_999)).toBe(300_000);
  expect(queue.hasActive).toBe(false);
  queue.advance(300_000);
  expect(queue.take()?.key).toBe("n/a");
});

it("lets a gated pod in when a version comes that has no gate", () => {
  const queue = new SchedulingQueue(options);
  queue.set(info("a"), true, 0, true);
  queue.set(info("b"), true, 0);
  expect(queue.counts()).toMatchObject({ gated: 1, active: 1 });
  queue.set(info("a"), true, 0, false);
  expect([queue.take()?.key, queue.take()?.key]).toEqual(["n/b", "n/a"]);
});

it("takes the order of a plugin, and in it the order of arrival", () => {
  const queue = new SchedulingQueue(options, (left, right) => left.priority - right.priority);
  for (const pod of [info("a", 5), info("b", 1), info("c", 5), info("d", 3)]) queue.set(pod, true, 0);
  queue.delete("n/d");
  queue.set(info("c", 0, "c"), true, 0);
  expect([1, 2, 3, 4].map(() => queue.take()?.key)).toEqual(["n/c", "n/b", "n/a", undefined]);
});
