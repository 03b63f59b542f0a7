// A controller for web sites with @kubernetes/client-node, as it runs in a pod: each site is a ConfigMap, a Deployment serves it
// and an asset of its own belongs to it. `inkube chaos run test/examples/chaos/client-node.js` finds three mistakes in it,
// which web-site-mended.js does not make.
import { apps, core, deploymentOf, findSite, listSites, makeQueue } from "./cluster.js";
import { NAMESPACE, note, orUndefined, putDeployment, watchSites } from "./cluster.js";

async function publish(site) {
  const { name, annotations } = site.metadata;
  await putDeployment(deploymentOf(site));
  if (annotations?.["web/asset"] !== undefined) return;
  // Third mistake: a crash between these two leaves an asset that nobody knows of, and another one is made.
  const metadata = { generateName: `${name}-asset-`, labels: { role: "asset" } };
  const asset = await core.createNamespacedConfigMap({
    namespace: NAMESPACE,
    body: { metadata, data: { logo: name } },
  });
  await note(site, asset.metadata.name);
}

async function unpublish(site) {
  const { name, annotations } = site.metadata;
  await orUndefined(() => apps.deleteNamespacedDeployment({ name: `${name}-web`, namespace: NAMESPACE }));
  const asset = annotations?.["web/asset"];
  if (asset !== undefined)
    await orUndefined(() => core.deleteNamespacedConfigMap({ name: asset, namespace: NAMESPACE }));
}

const gone = new Map();
const queue = makeQueue(async (name) => {
  const last = gone.get(name);
  if (last !== undefined) {
    await unpublish(last);
    gone.delete(name);
    return;
  }
  const site = await findSite(name);
  if (site !== undefined) await publish(site);
});

// First mistake: this list may be of the past, and what it still has is published for good.
const { items } = await listSites("0");
for (const site of items) await putDeployment(deploymentOf(site));

await watchSites({
  onSite: (site) => queue.add(site.metadata.name),
  // Second mistake: who is not there when a site is deleted never hears of it.
  onGone: (site) => {
    gone.set(site.metadata.name, site);
    queue.add(site.metadata.name);
  },
}).start();
