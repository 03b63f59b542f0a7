/** `inkube scale`: more or fewer workers of a running cluster, or replicas of a workload. */
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { hasReason } from "../../../protocols/api-server.ts";
import type { ConfigMap, Node } from "../../../protocols/kubernetes/types/core-v1.ts";
import { meets } from "../conditions.ts";
import { WORKERS_MAX } from "../options.ts";
import { SCALE } from "../worker-scale.ts";
import type { Api } from "./api.ts";
import { integer } from "./arguments.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";

/** Each worker takes up to half a second on a busy machine, or a grace period to be drained. */
const WAIT_MS = 300_000;
const LOOK_MS = 200;
const MAPS = `/api/v1/namespaces/${SCALE.namespace}/configmaps`;

export function scaleCommand(): Command {
  return withKubeconfig(
    new Command("scale")
      .description("add or remove workers of a running cluster")
      .argument("<what>", "workers")
      .argument("<count>", "how many there are to be"),
  ).action((what: string, count: string, options: ConnectOptions) => {
    if (what !== "workers") throw refuse(`scale takes workers, not "${what}"; kubectl scale knows of Deployments`);
    const wanted = integer("scale workers", count, 0, WORKERS_MAX);
    return connected(options, (api) => scale(api, wanted));
  });
}

async function scale(api: Api, wanted: number): Promise<void> {
  await wish(api, String(wanted));
  const endMs = Date.now() + WAIT_MS;
  for (;;) {
    const { items } = await api.json<{ readonly items: readonly Node[] }>({ path: "/api/v1/nodes" });
    const workers = items.filter(({ metadata }) => /^worker-\d+$/.test(metadata?.name ?? ""));
    // Read after the nodes: so many were there while this was what is wished for.
    const wished = await wishedFor(api);
    if (wished !== undefined && wished !== String(wanted))
      throw refuse(
        `somebody has asked for ${wished} workers meanwhile, and ${wished} there will be: ask again for ${wanted} if that is wrong`,
      );
    if (workers.length === wanted && workers.every((node) => meets(node, "Ready"))) break;
    if (Date.now() >= endMs)
      throw refuse(
        `${workers.length} workers are there after ${WAIT_MS / 1_000} s; "inkube get events -n ${SCALE.namespace}" says why`,
      );
    await sleep(LOOK_MS);
  }
  process.stdout.write(`${wanted} ${wanted === 1 ? "worker is" : "workers are"} Ready\n`);
}

/** Undefined when nobody wishes for anything any more, which stops nothing. */
async function wishedFor(api: Api): Promise<string | undefined> {
  try {
    return (await api.json<ConfigMap>({ path: `${MAPS}/${SCALE.name}` })).data?.["workers"];
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    return undefined;
  }
}

async function wish(api: Api, workers: string): Promise<void> {
  const data = { workers };
  try {
    await api.json<ConfigMap>({
      method: "PATCH",
      path: `${MAPS}/${SCALE.name}`,
      contentType: "application/merge-patch+json",
      body: { data },
    });
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: SCALE.name }, data };
    await api.json<ConfigMap>({ method: "POST", path: MAPS, body });
  }
}
