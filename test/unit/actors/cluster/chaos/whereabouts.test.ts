import { expect, it } from "vitest";
import { Whereabouts } from "../../../../../actors/cluster/chaos/whereabouts.ts";

it("another thread reads whose turn it is, and that nothing has begun yet", () => {
  const there = new Whereabouts();
  const here = new Whereabouts(there.shared);
  expect([here.threadId, here.actor]).toEqual([undefined, undefined]);
  there.begin(7);
  there.at("web-site");
  there.at("worker-0/kubelet");
  expect([here.threadId, here.actor]).toEqual([7, "worker-0/kubelet"]);
  there.at("web-site");
  expect(here.actor).toBe("web-site");
  there.at(undefined);
  expect(here.actor).toBeUndefined();
  expect(here.beganMs).toBeGreaterThan(0);
});

it("a name that is too long is cut, and those that there is no room for are nobody's", () => {
  const there = new Whereabouts();
  const here = new Whereabouts(there.shared);
  there.at("x".repeat(1_000));
  expect(here.actor).toMatch(/^x{50,}$/);
  for (let count = 0; count < 1_000; count++) there.at(`actor-${count}`);
  expect(here.actor).toBeUndefined();
  there.at("actor-3");
  expect(here.actor).toBe("actor-3");
});
