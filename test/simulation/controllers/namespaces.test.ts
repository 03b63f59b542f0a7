/** Namespaces on their way out. */
import { expect, it } from "vitest";
import { configMaps, namespaces } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";

async function holding(plane: ControlPlane): Promise<void> {
  await plane.start();
  await plane.do((client) => client.create(namespaces, { metadata: { name: "shop" } }));
  const held = { name: "held", namespace: "shop", finalizers: ["example.com/held"] };
  await plane.do((client) => client.create(configMaps, { metadata: held }));
  await plane.do((client) => client.create(configMaps, { metadata: { name: "free", namespace: "shop" } }));
  await plane.do((client) => client.delete(namespaces, "shop"));
}

it("tell what holds them, and go when nothing does", async () => {
  const plane = new ControlPlane({ seed: 11, workers: 0 });
  await holding(plane);
  const messages = async (): Promise<readonly (string | undefined)[]> => {
    const namespace = await plane.client.find(namespaces, "shop");
    return (namespace?.status?.conditions ?? [])
      .filter(({ status }) => status === "True")
      .map(({ message }) => message);
  };
  await plane.until("what remains told", async () => (await messages()).length === 2);
  await plane.until("the rest gone", async () => (await messages())[0]?.includes("has 1 resource") === true);
  expect(await plane.do(() => messages())).toEqual([
    "Some resources are remaining: configmaps. has 1 resource instances",
    "Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances",
  ]);
  const before = (await plane.do((client) => client.find(namespaces, "shop")))?.metadata?.resourceVersion;
  await plane.host.run(10_000);
  const after = (await plane.do((client) => client.find(namespaces, "shop")))?.metadata?.resourceVersion;
  expect(after).toBe(before);
  await plane.do((client) => client.patch(configMaps, "held", "shop", { metadata: { finalizers: null } }));
  await plane.until("the namespace gone", async () => (await plane.client.find(namespaces, "shop")) === undefined);
});
