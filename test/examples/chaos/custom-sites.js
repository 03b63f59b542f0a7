// Web sites as a custom resource: a Site has a page and an asset, which are ConfigMaps. `start` makes the three mistakes of
// web-site.js, or with `isMended` none.
import { configMaps } from "inkube";
import { deleteIfThere, NAMESPACE, put } from "./sites.js";

const sites = { group: "web.example.com", version: "v1", resource: "sites", kind: "Site", namespaced: true };
const definitions = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};
const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const definition = {
  metadata: { name: "sites.web.example.com" },
  spec: {
    group: sites.group,
    scope: "Namespaced",
    names: { plural: "sites", singular: "site", kind: "Site", listKind: "SiteList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } },
      },
    ],
  },
};
const OURS = { namespace: NAMESPACE, labelSelector: "role in (page, asset)" };

export const starting =
  (isMended) =>
  async ({ client, informer, queue }) => {
    const publish = async ({ metadata: { name }, spec, status }) => {
      await put(client, { name: `${name}-page`, role: "page" }, { html: `<h1>${spec.text}</h1>` });
      if (isMended) await put(client, { name: `${name}-asset`, role: "asset" }, { logo: name });
      if (status?.asset !== undefined) return;
      let asset = `${name}-asset`;
      if (!isMended) {
        // Third mistake: a crash between these two leaves an asset that nobody knows of, and another one is made.
        const metadata = { generateName: `${name}-asset-`, namespace: NAMESPACE, labels: { role: "asset" } };
        asset = (await client.create(configMaps, { metadata, data: { logo: name } })).metadata.name;
      }
      await client.patch(sites, name, NAMESPACE, { status: { asset } }, { subresource: "status" });
    };
    const unpublish = async (name, asset) => {
      await deleteIfThere(client, `${name}-page`);
      if (asset !== undefined) await deleteIfThere(client, asset);
    };
    const known = informer(sites, { namespace: NAMESPACE });
    const published = queue("sites", async (key) => {
      const site = known.getByKey(key);
      if (site !== undefined) return publish(site);
      const name = key.slice(key.indexOf("/") + 1);
      if (isMended) await unpublish(name, `${name}-asset`);
    });
    if (!isMended) {
      // Before there are any sites, and any definition of them, there is nothing to publish.
      const past = await client
        .list(sites, { namespace: NAMESPACE, resourceVersion: "0" })
        .catch(() => ({ items: [] }));
      // First mistake: this list may be of the past, and what it still has is published for good.
      for (const site of past.items) await publish(site);
    }
    known.onChange(async ({ type, object }) => {
      // Second mistake: who is not there when a site is deleted never hears of it.
      if (type === "deleted" && !isMended) await unpublish(object.metadata.name, object.status?.asset);
      else published.add(`${NAMESPACE}/${object.metadata.name}`);
    });
    known.start();
    if (!isMended) return;
    await known.whenSynced();
    const { items } = await client.list(configMaps, OURS);
    for (const { metadata } of items) published.add(`${NAMESPACE}/${metadata.name.replace(/-(page|asset)$/, "")}`);
  };

const site = (name, text) => ({ metadata: { name, namespace: NAMESPACE }, spec: { text } });

export const workload = [
  {
    name: "sites are defined",
    run: async (world) => {
      await world.client.create(definitions, definition);
      await world.until("the definition of sites", async () => {
        const { status } = await world.client.get(definitions, definition.metadata.name);
        return status?.conditions?.some(({ type, status: is }) => type === "Established" && is === "True") === true;
      });
    },
  },
  { name: "a blog", run: ({ client }) => client.create(sites, site("blog", "hello")) },
  { name: "a shop", run: ({ client }) => client.create(sites, site("shop", "buy")) },
  {
    name: "the blog changes",
    run: ({ client }) => client.patch(sites, "blog", NAMESPACE, { spec: { text: "hello again" } }),
  },
  { name: "the blog goes", run: ({ client }) => client.delete(sites, "blog", NAMESPACE) },
];
