// web-site.js without its mistakes: names that follow from the site's, one place that decides by what is there now, and a
// look at start for what is left of sites that are gone.
import { configMaps } from "inkube";
import { deleteIfThere, NAMESPACE, put, SITES, workload } from "./sites.js";

async function start({ client, informer, queue }) {
  const sites = informer(configMaps, SITES);
  const reconciled = queue("sites", async (key) => {
    const name = key.slice(key.indexOf("/") + 1);
    const site = sites.getByKey(key);
    if (site === undefined) {
      await deleteIfThere(client, `${name}-page`);
      await deleteIfThere(client, `${name}-asset`);
      return;
    }
    await put(client, { name: `${name}-page`, role: "page" }, { html: `<h1>${site.data.text}</h1>` });
    await put(client, { name: `${name}-asset`, role: "asset" }, { logo: name });
    if (site.metadata.annotations?.["web/asset"] === `${name}-asset`) return;
    await client.patch(configMaps, name, NAMESPACE, { metadata: { annotations: { "web/asset": `${name}-asset` } } });
  });
  sites.onChange(({ object }) => reconciled.add(`${NAMESPACE}/${object.metadata.name}`));
  sites.start();
  await sites.whenSynced();
  const { items } = await client.list(configMaps, { namespace: NAMESPACE, labelSelector: "role in (page, asset)" });
  for (const { metadata } of items) reconciled.add(`${NAMESPACE}/${metadata.name.replace(/-(page|asset)$/, "")}`);
}

export default { cluster: { workers: 0 }, controllers: [{ name: "web-site", start }], workload };
