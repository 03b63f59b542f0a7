import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiProcess } from "../../api-process.ts";
import { load, send } from "../../api-process.ts";
import { median } from "../../report.ts";
import { createPod, podBody } from "./requests.ts";
import type { Measured, Row } from "./row.ts";
import { EACH_ROUND, PODS, PODS_PATH, PROTOBUF, REST, ROUNDS, rounds } from "./row.ts";

const FEW = 10;
/** Of pods, in the rows of memory. */
export const IN_MEMORY = 10_500;
const SELECTED = 200;
const MANY = PODS.toLocaleString("en-US");

/** Lists of what `requests` has made, whole and by selectors; the memory that it takes; and as many objects of a kind of the user's own. */
export const lists: Row = async (api, directory, take) => {
  const json = await listCpuMs(api, "/api/v1/pods", "application/json");
  const size = (bytes: number): string => `(${(bytes / 1e6).toFixed(0)} MB)`;
  const list = { unit: "ms", target: "≤ 0.14 ×" };
  take({ name: `LIST of ${MANY} pods ${size(json.bytes)}, CPU`, value: json.cpuMs, recorded: 285, ...list });
  const protobuf = await listCpuMs(api, "/api/v1/pods", PROTOBUF);
  take({
    name: `LIST of ${MANY} pods as protobuf, CPU`,
    value: protobuf.cpuMs,
    unit: "ms",
    against: { name: "JSON, in this run", value: json.cpuMs },
    target: "no dearer than JSON",
  });
  for (let at = 0; at < FEW; at++) await createPod(api, { generateName: "few-", labels: { bench: "few" } });
  await bySelector(api, take, "matches none", "none");
  await bySelector(api, take, `matches ${FEW}`, "few");
  const bodyFile = join(directory, "more.json");
  writeFileSync(bodyFile, podBody({ generateName: "more-", labels: { bench: "more" } }));
  await load(api, { path: PODS_PATH, count: IN_MEMORY - PODS - FEW - 1, bodyFile });
  const resident = api.residentBytes() / 1e6;
  const name = `memory with ${IN_MEMORY.toLocaleString("en-US")} pods, API server and etcd`;
  take({ name, value: resident, unit: "MB", recorded: 948, target: "≤ 0.4 ×" });
  await custom(api, directory, take);
};

async function bySelector(
  api: ApiProcess,
  take: (measured: Measured) => void,
  what: string,
  value: string,
): Promise<void> {
  const path = `${PODS_PATH}?labelSelector=bench%3D${value}`;
  const held = { target: "≥ 5 ×" };
  await rounds(`LIST by a label that ${what} of ${MANY}`, take, held, () => load(api, { path, count: SELECTED }));
}

async function custom(api: ApiProcess, directory: string, take: (measured: Measured) => void): Promise<void> {
  await send(api, {
    method: "POST",
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    body: JSON.stringify(definition()),
  });
  const path = "/apis/bench.example.com/v1/namespaces/default/widgets";
  const bodyFile = join(directory, "widget.json");
  const widget = { apiVersion: "bench.example.com/v1", kind: "Widget", metadata: { generateName: "widget-" } };
  const spec = { size: 3, color: "blue", parts: ["bolt", "nut", "plate"].map((name) => ({ name, count: 4 })) };
  const body = JSON.stringify({ ...widget, spec });
  writeFileSync(bodyFile, body);
  await served(api, path);
  await rounds("CREATE custom object", take, {}, () => load(api, { path, count: EACH_ROUND, bodyFile }));
  await load(api, { path, count: REST, bodyFile });
  const { cpuMs, bytes } = await listCpuMs(api, path, "application/json");
  const size = (bytes / 1e6).toFixed(0);
  take({ name: `LIST of ${MANY} custom objects (${size} MB), CPU`, value: cpuMs, unit: "ms" });
}

/** kube-apiserver serves a definition some time after it has said so, and first says that its storage is not there yet. */
async function served(api: ApiProcess, path: string): Promise<void> {
  for (;;) {
    try {
      await send(api, { method: "GET", path });
      return;
    } catch (error) {
      if (!/: (404|429) /.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function definition(): object {
  const part = { type: "object", properties: { name: { type: "string" }, count: { type: "integer", minimum: 0 } } };
  const properties = {
    size: { type: "integer", minimum: 1 },
    color: { type: "string", enum: ["blue", "red"], default: "blue" },
    parts: { type: "array", items: part },
  };
  const openAPIV3Schema = { type: "object", properties: { spec: { type: "object", properties } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.bench.example.com" },
    spec: {
      group: "bench.example.com",
      scope: "Namespaced",
      names: { plural: "widgets", kind: "Widget" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}

async function listCpuMs(
  api: ApiProcess,
  path: string,
  accept: string,
): Promise<{ readonly cpuMs: number; readonly bytes: number }> {
  const costs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = api.cpuMs();
    bytes = (await send(api, { method: "GET", path, accept })).length;
    costs.push(api.cpuMs() - before);
  }
  return { cpuMs: median(costs), bytes };
}
