import { expect, it } from "vitest";
import { Slots } from "../../../../../actors/cluster/chaos/slots.ts";

it("so many are let in at once, what is urgent before what has waited longer", async () => {
  const slots = new Slots(2);
  const order: string[] = [];
  const enter = async (name: string, isUrgent: boolean): Promise<void> => {
    await slots.enter({ isUrgent });
    order.push(name);
  };
  const all = [enter("a", false), enter("b", false), enter("c", false), enter("d", true), enter("e", false)];
  await Promise.all(all.slice(0, 2));
  expect(order).toEqual(["a", "b"]);
  for (const next of ["d", "c", "e"]) {
    slots.leave();
    await all[["a", "b", "c", "d", "e"].indexOf(next)];
    expect(order.at(-1)).toBe(next);
  }
});
