// What both web site controllers need, and what is asked of them.
import { configMaps, hasReason } from "inkube";

export const NAMESPACE = "default";
export const SITES = { namespace: NAMESPACE, labelSelector: "role=site" };

export function assetOf(site) {
  return site.metadata.annotations?.["web/asset"];
}

/** Creates it, or makes what is there the same. */
export async function put(client, { name, role }, data) {
  const known = await client.find(configMaps, name, NAMESPACE);
  if (known === undefined) {
    await client.create(configMaps, { metadata: { name, namespace: NAMESPACE, labels: { role } }, data });
  } else if (JSON.stringify(known.data) !== JSON.stringify(data)) {
    await client.update(configMaps, { ...known, data });
  }
}

export async function deleteIfThere(client, name) {
  try {
    await client.delete(configMaps, name, NAMESPACE);
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}

const site = (name, text) => ({ metadata: { name, namespace: NAMESPACE, labels: { role: "site" } }, data: { text } });

export const workload = [
  { name: "a blog", run: ({ client }) => client.create(configMaps, site("blog", "hello")) },
  { name: "a shop", run: ({ client }) => client.create(configMaps, site("shop", "buy")) },
  {
    name: "the blog changes",
    run: ({ client }) => client.patch(configMaps, "blog", NAMESPACE, { data: { text: "hello again" } }),
  },
  { name: "the blog goes", run: ({ client }) => client.delete(configMaps, "blog", NAMESPACE) },
];
