// web-site.js without its mistakes: names that follow from the site's, one place that decides by what is there now, and a look
// now and then at what is left of sites that are gone.
import { apps, core, deploymentOf, findSite, makeQueue } from "./cluster.js";
import { NAMESPACE, note, orUndefined, putDeployment, watchSites } from "./cluster.js";

const LOOK_MS = 10_000;

async function putAsset(name) {
  const asset = `${name}-asset`;
  const known = await orUndefined(() => core.readNamespacedConfigMap({ name: asset, namespace: NAMESPACE }));
  if (known !== undefined) return;
  const body = { metadata: { name: asset, labels: { role: "asset", site: name } }, data: { logo: name } };
  await core.createNamespacedConfigMap({ namespace: NAMESPACE, body });
}

const queue = makeQueue(async (name) => {
  const site = await findSite(name);
  if (site === undefined) {
    await orUndefined(() => apps.deleteNamespacedDeployment({ name: `${name}-web`, namespace: NAMESPACE }));
    await orUndefined(() => core.deleteNamespacedConfigMap({ name: `${name}-asset`, namespace: NAMESPACE }));
    return;
  }
  await putDeployment(deploymentOf(site));
  await putAsset(name);
  const asset = site.metadata.annotations?.["web/asset"];
  if (asset !== `${name}-asset`) await note(site, `${name}-asset`);
});

const onSite = (site) => queue.add(site.metadata.name);
await watchSites({ onSite, onGone: onSite }).start();

/** Sites that are gone have left something behind, where nobody was there to see them go. */
async function look() {
  try {
    const { items } = await apps.listNamespacedDeployment({ namespace: NAMESPACE, labelSelector: "role=web" });
    const assets = await core.listNamespacedConfigMap({ namespace: NAMESPACE, labelSelector: "role=asset" });
    for (const { metadata } of [...items, ...assets.items]) {
      if ((await findSite(metadata.labels.site)) === undefined) queue.add(metadata.labels.site);
    }
  } catch (error) {
    console.error(`looking around: ${error.message}`);
  }
  setTimeout(look, LOOK_MS);
}
await look();
