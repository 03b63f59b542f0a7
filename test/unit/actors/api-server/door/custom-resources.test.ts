/** Custom resources over HTTPS: what clients find out of them, and what they are shown. */
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createDefinition,
  customObject,
  definitionOf,
  DEFINITIONS,
  waitForCondition,
  waitForDefinition,
} from "../harness/definitions.ts";
import type { Door } from "../harness/https-client.ts";
import { openDoor } from "../harness/https-client.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(async () => {
  await door.close();
  expect(door.server.crashes).toEqual([]);
});

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
async function send(path: string, accept = "application/json", body?: object): Promise<any> {
  const { text } = await door.ask(body === undefined ? "GET" : "POST", path, { accept }, body);
  return text.startsWith("{") ? JSON.parse(text) : text;
}

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

it("are in every document from the moment that they are established, until their definition is gone", async () => {
  const base = definitionOf("widgets", "shop.example.com", ["v2", "v1"], {
    names: { shortNames: ["wd"], categories: ["all"] },
  });
  const columns = [{ name: "Size", type: "integer", jsonPath: ".spec.size" }];
  const versions = base.spec.versions.map((each) => ({ ...each, additionalPrinterColumns: columns }));
  await door.server.request(createDefinition({ ...base, spec: { ...base.spec, versions } }));
  await waitForCondition(door.server, "widgets.shop.example.com", "Established");

  const { items } = await send("/apis", AGGREGATED);
  expect(items.at(-1)).toMatchObject({
    metadata: { name: "shop.example.com" },
    versions: [
      {
        version: "v2",
        resources: [{ resource: "widgets", scope: "Namespaced", shortNames: ["wd"], categories: ["all"] }],
      },
      { version: "v1" },
    ],
  });
  expect((await send("/apis")).groups.at(-1)).toMatchObject({
    name: "shop.example.com",
    preferredVersion: { version: "v2" },
  });
  expect(await send("/apis/shop.example.com/v1")).toMatchObject({ resources: [{ name: "widgets", kind: "Widget" }] });
  expect(Object.keys((await send("/openapi/v3")).paths)).toContain("apis/shop.example.com/v2");

  const path = "/apis/shop.example.com/v1/namespaces/default/widgets";
  await send(path, undefined, customObject("Widget", "one", { spec: { size: 3 } }));
  const table = await send(path, TABLE);
  expect(table.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual(["Name", "Size"]);
  expect(table.rows.map(({ cells }: { cells: unknown }) => cells)).toEqual([["one", 3]]);
  expect(await send("/apis/shop.example.com/v2/widgets")).toMatchObject({
    kind: "WidgetList",
    apiVersion: "shop.example.com/v2",
    items: [{ apiVersion: "shop.example.com/v2", metadata: { name: "one" } }],
  });

  await door.server.request({ verb: "delete", target: { ...DEFINITIONS, name: "widgets.shop.example.com" } });
  await waitForDefinition(door.server, "widgets.shop.example.com", (definition) => definition === undefined);
  expect(await send(path)).toBe("404 page not found\n");
  const left = (await send("/apis", AGGREGATED)).items.map(({ metadata }: { metadata: { name: string } }) => metadata);
  expect(left).not.toContainEqual({ name: "shop.example.com" });
});

it("are told of by a short name as soon as another definition lets go of it", async () => {
  const group = "names.example.com";
  const named = { names: { shortNames: ["thing"] } };
  for (const definition of [definitionOf("tools", group, ["v1"], named), definitionOf("toys", group)]) {
    await door.server.request(createDefinition(definition));
    await waitForCondition(door.server, definition.metadata?.name ?? "", "Established");
  }
  const toys = { ...DEFINITIONS, name: `toys.${group}` };
  const patch = { spec: named };
  await door.server.request({ verb: "patch", target: toys, patchType: "application/merge-patch+json", patch });
  await waitForCondition(door.server, toys.name, "NamesAccepted", "False");
  await door.server.request({ verb: "delete", target: { ...DEFINITIONS, name: `tools.${group}` } });
  await waitForCondition(door.server, toys.name, "NamesAccepted");
  const { resources } = await send(`/apis/${group}/v1`);
  expect(resources).toMatchObject([{ name: "toys", shortNames: ["thing"] }]);
});
