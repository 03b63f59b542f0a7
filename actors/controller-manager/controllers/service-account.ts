/** ServiceAccount: each namespace has a `default` one, and the cluster's CA for its pods. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Namespace } from "../../../protocols/kubernetes/types/core-v1.ts";
import { configMaps, serviceAccounts } from "../../client/resources.ts";
import type { Session } from "../session.ts";

const DEFAULT = "default";
const ROOT_CA = "kube-root-ca.crt";

export function serviceAccountController(session: Session): void {
  const queue = session.queue("service-account", (name, turn) => reconcile(turn, name));
  session.namespaces.onChange(({ type, object }) => {
    if (type !== "deleted") queue.add(object.metadata?.name ?? "");
  });
  session.serviceAccounts.onChange(({ type, object }) => {
    if (type === "deleted" && object.metadata?.name === DEFAULT) queue.add(object.metadata.namespace ?? "");
  });
  session.configMaps.onChange(({ type, object }) => {
    if (type !== "added" && object.metadata?.name === ROOT_CA) queue.add(object.metadata.namespace ?? "");
  });
}

async function reconcile(session: Session, name: string): Promise<void> {
  const namespace = session.namespaces.get(name);
  if (namespace === undefined || isEnding(namespace)) return;
  const { client, options } = session;
  if (session.serviceAccounts.get(DEFAULT, name) === undefined) {
    const account = { metadata: { name: DEFAULT, namespace: name } };
    await unlessThere(() => client.create(serviceAccounts, account));
  }
  if (options.rootCa === "") return;
  const present = session.configMaps.get(ROOT_CA, name);
  const data = { "ca.crt": options.rootCa };
  if (present === undefined) {
    const annotations = {
      "kubernetes.io/description": "The CA that signs the certificates of this cluster's API servers.",
    };
    await unlessThere(() =>
      client.create(configMaps, { metadata: { name: ROOT_CA, namespace: name, annotations }, data }),
    );
  } else if (present.data?.["ca.crt"] !== options.rootCa) await client.update(configMaps, { ...present, data });
}

function isEnding(namespace: Namespace): boolean {
  return namespace.metadata?.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating";
}

async function unlessThere(creation: () => Promise<unknown>): Promise<void> {
  try {
    await creation();
  } catch (error) {
    if (!hasReason(error, "AlreadyExists", "Forbidden", "NotFound")) throw error;
  }
}
