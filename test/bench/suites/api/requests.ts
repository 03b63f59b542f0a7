import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiProcess } from "../../api-process.ts";
import { load, send } from "../../api-process.ts";
import { samplePod } from "../../sample-pod.ts";
import type { Row } from "./row.ts";
import { EACH_ROUND, PODS_PATH, PROTOBUF, REST, rounds } from "./row.ts";

const GETS = 20_000;

/** GET, CREATE: managedFields are part of each, as for every client. Leaves `PODS` pods, and one named bench. */
export const requests: Row = async (api, directory, take) => {
  await createPod(api, { name: "bench" });
  const path = `${PODS_PATH}/bench`;
  const get = { recorded: { rate: 5_400, cpuUs: 330 }, target: "≥ 6 ×" };
  const json = await rounds("GET pod", take, get, () => load(api, { path, count: GETS }));
  const asJson = { against: { name: "JSON, in this run", cost: json }, target: "no dearer than JSON" };
  await rounds("GET pod, protobuf", take, asJson, () => load(api, { path, count: GETS, accept: PROTOBUF }));
  const bodyFile = join(directory, "pod.json");
  writeFileSync(bodyFile, podBody({ generateName: "bench-", labels: { bench: "many" } }));
  const create = { recorded: { rate: 1_650, cpuUs: 1_150 }, target: "≥ 3 ×" };
  await rounds("CREATE pod", take, create, () => load(api, { path: PODS_PATH, count: EACH_ROUND, bodyFile }));
  await load(api, { path: PODS_PATH, count: REST, bodyFile });
};

export async function createPod(api: ApiProcess, metadata: object): Promise<void> {
  await send(api, { method: "POST", path: PODS_PATH, body: podBody(metadata) });
}

export function podBody(metadata: object): string {
  const { spec } = samplePod();
  // Nothing places it: the figures are the API server's and etcd's.
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      ...spec,
      nodeName: undefined,
      schedulerName: "nobody",
      serviceAccountName: undefined,
      volumes: undefined,
      containers: spec?.containers?.slice(0, 1).map((container) => ({ ...container, volumeMounts: undefined })),
    },
  });
}
