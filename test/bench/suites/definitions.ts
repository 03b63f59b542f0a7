/** Thousands of CustomResourceDefinitions: what finding out about them costs, and what one more does. */
import type { ApiProcess } from "../api-process.ts";
import { send, sendAll } from "../api-process.ts";
import { startClusterProcess } from "../cluster-process.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const DEFINITIONS = 5_000;
/** So many are measured one by one, at the beginning and at the end. */
const MEASURED = 100;
const CLIENTS = 8;
const PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const INDEX = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export const definitions: Suite = {
  name: "definitions",
  about: `${DEFINITIONS.toLocaleString("en-US")} CustomResourceDefinitions on one master, controllers off`,
  run: async (report) => {
    await measure(report, "each in its own group", (at) => `group-${at}.example.com`);
    await measure(report, "all in one group", () => "bench.example.com");
  },
};

async function measure(report: Report, how: string, groupOf: (at: number) => string): Promise<void> {
  const api = await startClusterProcess({ masters: 1, workers: 0, controllers: false });
  try {
    const create = (at: number) => ({ method: "POST", path: PATH, body: definition(at, groupOf(at)) });
    // What the engine has to compile is compiled then.
    await sendAll(api, 1, MEASURED, (at) => create(DEFINITIONS + at));
    const first = await sendAll(api, 1, MEASURED, create);
    const between = DEFINITIONS - 2 * MEASURED;
    await sendAll(api, CLIENTS, between, (at) => create(MEASURED + at));
    await established(api);
    const cold = await indexMs(api);
    report({ name: `discovery, first, ${how}`, value: cold, unit: "ms", target: "≤ 100 ms" });
    const last = await sendAll(api, 1, MEASURED, (at) => create(MEASURED + between + at));
    const peer = { name: "the first, in this run", value: first.cpuUs };
    report({ name: `one more, CPU, ${how}`, value: last.cpuUs, unit: "µs", peer, target: "≤ 1.1 ×" });
    const again: number[] = [];
    for (let at = 0; at < 10; at++) {
      await send(api, create(DEFINITIONS + MEASURED + at));
      again.push(await indexMs(api));
    }
    report({ name: `discovery after one more, ${how}`, value: median(again), unit: "ms", target: "≤ 100 ms" });
  } finally {
    await api.stop();
  }
}

/** Until all are served: of thousands that are made at once some wait for their turn. */
async function established(api: ApiProcess): Promise<void> {
  for (;;) {
    const { items } = JSON.parse((await send(api, { method: "GET", path: PATH })).toString()) as {
      readonly items: readonly { readonly status?: { readonly conditions?: readonly { readonly type: string }[] } }[];
    };
    if (items.every(({ status }) => status?.conditions?.some(({ type }) => type === "Established") === true)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** With the way there and back. */
async function indexMs(api: ApiProcess): Promise<number> {
  const started = performance.now();
  await send(api, { method: "GET", path: "/apis", accept: INDEX });
  return performance.now() - started;
}

function definition(at: number, group: string): string {
  const plural = `kind${at}s`;
  const spec = { type: "object", properties: { size: { type: "integer" }, name: { type: "string", maxLength: 63 } } };
  const status = { type: "object", properties: { ready: { type: "boolean" } } };
  const openAPIV3Schema = { type: "object", properties: { spec, status } };
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema },
    subresources: { status: {} },
  };
  return JSON.stringify({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural, singular: `kind${at}`, kind: `Kind${at}`, shortNames: [`k${at}`] },
      versions: [version],
    },
  });
}
