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

/** Creates it, or makes what is there serve the same text. */
export async function putDeployment(body) {
  const { name } = body.metadata;
  const known = await orUndefined(() => apps.readNamespacedDeployment({ name, namespace: NAMESPACE }));
  if (known === undefined) return apps.createNamespacedDeployment({ namespace: NAMESPACE, body });
  const [{ env }] = body.spec.template.spec.containers;
  const [container] = known.spec.template.spec.containers;
  if (container.env[0].value === env[0].value) return known;
  container.env = env;
  return apps.replaceNamespacedDeployment({ name, namespace: NAMESPACE, body: known });
}

export function findSite(name) {
  return orUndefined(() => core.readNamespacedConfigMap({ name, namespace: NAMESPACE }));
}

/** Writes down at a site which asset it has. */
export async function note(site, asset) {
  const annotations = { ...site.metadata.annotations, "web/asset": asset };
  const body = { ...site, metadata: { ...site.metadata, annotations } };
  await core.replaceNamespacedConfigMap({ name: site.metadata.name, namespace: NAMESPACE, body });
}

/** Undefined where what is asked for is not there; also of a deletion. */
export async function orUndefined(request) {
  try {
    return await request();
  } catch (error) {
    if (error.code === 404) return undefined;
    throw error;
  }
}
