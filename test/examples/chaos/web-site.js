// A controller for web sites, as one may well write it: a site is a ConfigMap, its page and its asset are others. It works
// until something goes wrong at the wrong moment: `inkube chaos run test/examples/chaos/web-site.js` finds three mistakes,
// which web-site-mended.js does not make.
import { configMaps } from "inkube";
import { assetOf, deleteIfThere, NAMESPACE, put, SITES, workload } from "./sites.js";

async function start({ client, informer, queue }) {
  const publish = async (site) => {
    const { name } = site.metadata;
    await put(client, { name: `${name}-page`, role: "page" }, { html: `<h1>${site.data.text}</h1>` });
    if (assetOf(site) !== undefined) return;
    // Third mistake: a crash between these two leaves an asset that nobody knows of, and another one is made.
    const metadata = { generateName: `${name}-asset-`, namespace: NAMESPACE, labels: { role: "asset" } };
    const asset = await client.create(configMaps, { metadata, data: { logo: name } });
    const named = { metadata: { annotations: { "web/asset": asset.metadata.name } } };
    await client.patch(configMaps, name, NAMESPACE, named);
  };
  const unpublish = async (site) => {
    await deleteIfThere(client, `${site.metadata.name}-page`);
    if (assetOf(site) !== undefined) await deleteIfThere(client, assetOf(site));
  };

  // First mistake: this list may be of the past, and what it still has is published for good.
  const { items } = await client.list(configMaps, { ...SITES, resourceVersion: "0" });
  for (const site of items) await publish(site);

  const sites = informer(configMaps, SITES);
  const published = queue("sites", async (key) => {
    const site = sites.getByKey(key);
    if (site !== undefined) await publish(site);
  });
  sites.onChange(async ({ type, object }) => {
    // Second mistake: who is not there when a site is deleted never hears of it.
    if (type === "deleted") await unpublish(object);
    else published.add(`${NAMESPACE}/${object.metadata.name}`);
  });
  sites.start();
}

export default { cluster: { workers: 0 }, controllers: [{ name: "web-site", start }], workload };
