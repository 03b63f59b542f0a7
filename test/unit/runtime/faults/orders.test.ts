import { describe, expect, it } from "vitest";
import { Orders } from "../../../../runtime/faults/orders.ts";
import type { StrikingClusterFault } from "../../../../protocols/cluster-faults.ts";

const ONE: StrikingClusterFault = { id: "kill", kind: "pod-kill", pod: "default/web" };
const ALL: StrikingClusterFault = { ...ONE, victims: "all" };
const ACTORS = ["a", "b", "c"];

function given(fault: StrikingClusterFault): { readonly orders: Orders; readonly asked: () => readonly string[] } {
  const orders = new Orders();
  orders.give(fault, ACTORS);
  return { orders, asked: () => ACTORS.filter((actor) => orders.of(actor).length > 0) };
}

describe("a strike for one", () => {
  it("is given to one after the other, until one has hit", () => {
    const { orders, asked } = given(ONE);
    expect(asked()).toEqual(["a"]);
    expect(orders.answer("a", "kill", false)).toEqual({ fault: ONE, isVain: false });
    expect(asked()).toEqual(["b"]);
    expect(orders.answer("b", "kill", true)).toEqual({ fault: ONE, isVain: false });
    expect(asked()).toEqual([]);
  });

  it("is in vain when nobody has anything to hit", () => {
    const { orders } = given(ONE);
    const vain = ACTORS.map((actor) => orders.answer(actor, "kill", false)?.isVain);
    expect(vain).toEqual([false, false, true]);
  });

  it("heeds no answer of who was not asked", () => {
    const { orders, asked } = given(ONE);
    expect(orders.answer("b", "kill", true)).toBeUndefined();
    expect(orders.answer("a", "other", true)).toBeUndefined();
    expect(asked()).toEqual(["a"]);
  });

  it("that is not answered is forgotten, and the next has a number of its own", () => {
    const { orders } = given(ONE);
    expect(orders.open).toEqual(["kill"]);
    expect(orders.forget("kill")).toEqual(ONE);
    expect(orders.forget("kill")).toBeUndefined();
    orders.give(ONE, ["b", "a"]);
    expect(orders.of("a")).toEqual([]);
    expect(orders.of("b")).toEqual([{ ...ONE, nth: 2 }]);
  });
});

describe("a strike for all", () => {
  it("is given to all at once, and is in vain only when it was so for each", () => {
    const { orders, asked } = given(ALL);
    expect(asked()).toEqual(ACTORS);
    expect(orders.answer("a", "kill", false)?.isVain).toBe(false);
    expect(orders.answer("b", "kill", true)?.isVain).toBe(false);
    expect(orders.answer("c", "kill", false)?.isVain).toBe(false);
    expect(asked()).toEqual([]);
  });
});
