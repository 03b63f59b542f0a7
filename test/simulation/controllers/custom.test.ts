/** Custom resources under the controllers of all kinds, with several API servers. */
import { expect, it } from "vitest";
import { customResourceDefinitions, isEstablished } from "../../../actors/client/custom-resources.ts";
import { Informer } from "../../../actors/client/informer.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import { configMaps, namespaces } from "../../../actors/client/resources.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { customObject, definitionOf } from "../../unit/actors/api-server/harness/definitions.ts";
import { ControlPlane } from "./control-plane.ts";

const widgets: Resource = {
  group: "shop.example.com",
  version: "v1",
  resource: "widgets",
  kind: "Widget",
  namespaced: true,
};
const NAME = "widgets.shop.example.com";

async function withWidgets(seed: number, masters: number): Promise<ControlPlane> {
  const plane = new ControlPlane({ seed, masters, workers: 0 });
  await plane.start();
  await plane.do((client) => client.create(customResourceDefinitions, definitionOf("widgets")));
  await plane.until("the definition established", async () =>
    isEstablished(await plane.client.get(customResourceDefinitions, NAME)),
  );
  return plane;
}

function widget(name: string, namespace: string = "default"): KubernetesObject {
  return customObject("Widget", name, { metadata: { name, namespace } });
}

it("what a custom object owns, and what owns it, is collected", async () => {
  const plane = await withWidgets(1, 1);
  const root = await plane.do((client) =>
    client.create(configMaps, { metadata: { name: "root", namespace: "default" } }),
  );
  const owned = (kind: string, apiVersion: string, owner: KubernetesObject): object => ({
    ownerReferences: [{ apiVersion, kind, name: owner.metadata?.name ?? "", uid: owner.metadata?.uid ?? "" }],
  });
  const middle = await plane.do((client) =>
    client.create(widgets, {
      ...widget("middle"),
      metadata: { name: "middle", namespace: "default", ...owned("ConfigMap", "v1", root) },
    }),
  );
  const metadata = { name: "leaf", namespace: "default", ...owned("Widget", "shop.example.com/v1", middle) };
  await plane.do((client) => client.create(configMaps, { metadata }));
  await plane.host.run(1_000);
  expect(await plane.do((client) => client.find(configMaps, "leaf", "default"))).toBeDefined();
  await plane.do((client) => client.delete(configMaps, "root", "default"));
  await plane.until("all gone", async () => {
    const left = await Promise.all([
      plane.client.find(widgets, "middle", "default"),
      plane.client.find(configMaps, "leaf", "default"),
    ]);
    return left.every((each) => each === undefined);
  });
});

it("the custom objects of a namespace go with it", async () => {
  const plane = await withWidgets(2, 1);
  await plane.do((client) => client.create(namespaces, { metadata: { name: "shop" } }));
  for (const name of ["one", "two"]) await plane.do((client) => client.create(widgets, widget(name, "shop")));
  await plane.do((client) => client.create(widgets, widget("stays")));
  await plane.do((client) => client.delete(namespaces, "shop"));
  await plane.until("the namespace gone", async () => (await plane.client.find(namespaces, "shop")) === undefined);
  const { items } = await plane.do((client) => client.list(widgets));
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(["stays"]);
});

it("a deleted definition takes its objects along, though the server that has begun it dies", async () => {
  const plane = await withWidgets(3, 3);
  for (let index = 0; index < 20; index++) {
    await plane.do((client) => client.create(widgets, widget(`widget-${index}`)));
  }
  await plane.do((client) => client.delete(customResourceDefinitions, NAME));
  for (const server of ["api-server-0", "api-server-1"]) plane.host.kill(server);
  await plane.until(
    "the definition gone",
    async () => (await plane.client.find(customResourceDefinitions, NAME)) === undefined,
  );
  // Under the same name it starts with nothing.
  await plane.do((client) => client.create(customResourceDefinitions, definitionOf("widgets")));
  await plane.until("the definition established", async () =>
    isEstablished(await plane.client.get(customResourceDefinitions, NAME)),
  );
  expect((await plane.do((client) => client.list(widgets))).items).toEqual([]);
});

it("an informer of a custom resource lives through the death of every API server in turn", async () => {
  const plane = await withWidgets(4, 3);
  const told: string[] = [];
  const informer = new Informer(plane.host.context, plane.client, widgets);
  informer.onChange(({ type, object }) => told.push(`${type} ${object.metadata?.name}`));
  informer.start();
  await plane.until("a first list", () => Promise.resolve(informer.synced));
  for (let index = 0; index < 3; index++) {
    plane.host.kill(`api-server-${index}`);
    await plane.do((client) => client.create(widgets, widget(`widget-${index}`)));
    await plane.until("the widget seen", () => Promise.resolve(told.length === index + 1));
  }
  informer.stop();
  expect(told).toEqual(["added widget-0", "added widget-1", "added widget-2"]);
});
