// What both controllers need of the cluster: clients, as any program makes them, and work that is tried again.
import { AppsV1Api, CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";

export const NAMESPACE = "default";
const SITES = "role=site";
const RETRY_MS = 500;

const config = new KubeConfig();
config.loadFromDefault();
export const core = config.makeApiClient(CoreV1Api);
export const apps = config.makeApiClient(AppsV1Api);

export function listSites(resourceVersion) {
  return core.listNamespacedConfigMap({ namespace: NAMESPACE, labelSelector: SITES, resourceVersion });
}

/** Watches the sites; a watch that breaks is begun again a little later. */
export function watchSites({ onSite, onGone }) {
  const path = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
  const informer = makeInformer(config, path, () => listSites(), SITES);
  informer.on("add", onSite);
  informer.on("update", onSite);
  informer.on("delete", onGone);
  informer.on("error", () => setTimeout(() => informer.start(), RETRY_MS));
  return informer;
}

/** Of each name one at a time, and again and again until it succeeds. */
export function makeQueue(reconcile) {
  const waiting = new Set();
  const running = new Set();
  const run = async (name) => {
    if (running.has(name)) return;
    running.add(name);
    while (waiting.delete(name)) {
      try {
        await reconcile(name);
      } catch (error) {
        console.error(`${name}: ${error.message}`);
        setTimeout(() => add(name), RETRY_MS);
      }
    }
    running.delete(name);
  };
  const add = (name) => {
    waiting.add(name);
    void run(name);
  };
  return { add };
}

export function deploymentOf(site) {
  const name = `${site.metadata.name}-web`;
  const labels = { role: "web", site: site.metadata.name };
  const env = [{ name: "TEXT", value: site.data.text }];
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "web", env }] } };
  return { metadata: { name, labels }, spec: { replicas: 0, selector: { matchLabels: labels }, template } };
}

/** Creates it, or makes what is there the same. */
export async function putDeployment(body) {
  try {
    await apps.createNamespacedDeployment({ namespace: NAMESPACE, body });
  } catch (error) {
    if (error.code !== 409) throw error;
    await apps.replaceNamespacedDeployment({ name: body.metadata.name, namespace: NAMESPACE, body });
  }
}

export async function deleteIfThere(deletion) {
  try {
    await deletion();
  } catch (error) {
    if (error.code !== 404) throw error;
  }
}

/** Undefined where there is none. */
export async function findSite(name) {
  try {
    return await core.readNamespacedConfigMap({ name, namespace: NAMESPACE });
  } catch (error) {
    if (error.code === 404) return undefined;
    throw error;
  }
}

export async function note(name, assetName) {
  const annotations = { ...(await findSite(name))?.metadata.annotations, "web/asset": assetName };
  const site = await findSite(name);
  if (site === undefined) return;
  const body = { ...site, metadata: { ...site.metadata, annotations } };
  await core.replaceNamespacedConfigMap({ name, namespace: NAMESPACE, body });
}
