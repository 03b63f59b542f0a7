/** The example shop on the embedded network: its pods on threads, its Services on a kube-proxy, all over real sockets. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { FromContainer } from "../../../actors/container-runtime/images/channel.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Proxy } from "../../unit/actors/kube-proxy/proxy-world.ts";
import { freePort, node, ProxyWorld, service, slice, until } from "../../unit/actors/kube-proxy/proxy-world.ts";

const root = new URL("../../../", import.meta.url);
const WEB_IP = "127.247.0.1";
const BACKEND_IP = "127.247.0.2";
const workers: Worker[] = [];
let directory: string;
let preload: string;
let world: ProxyWorld;
let proxy: Proxy;
let webPort: number;

interface Pod {
  readonly worker: Worker;
  readonly ip: string;
  /** Where it really listens: elsewhere than it asked for, when we are an ordinary user. */
  readonly port: number;
  readonly signal: () => void;
}

function startPod(image: string, name: string, ip: string, env: Record<string, string>): Promise<Pod> {
  const { port1, port2 } = new MessageChannel();
  const module = new URL(`test/examples/shop/${image}.js`, root);
  const worker = new Worker(module, {
    workerData: { inkube: port2 },
    transferList: [port2],
    execArgv: ["--require", preload],
    env: { POD_IP: ip, POD_NAMESPACE: "shop", HOSTNAME: name, INKUBE_HOSTS: join(directory, "hosts.json"), ...env },
    stdout: true,
  });
  workers.push(worker);
  const signal = (): void => port1.postMessage({ kind: "signal", signal: "SIGTERM" });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    port1.on("message", (message: FromContainer) => {
      if (message.kind === "listening") resolve({ worker, ip, port: message.actual, signal });
    });
    port1.unref();
  });
}

function get(port: number, localAddress?: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const from = localAddress === undefined ? {} : { localAddress };
  return new Promise((resolve, reject) => {
    request({ host: WEB_IP, port, path: "/", agent: false, ...from }, (response) => {
      let text = "";
      response.on("data", (part: Buffer) => (text += part.toString()));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }),
      );
    })
      .on("error", reject)
      .end();
  });
}

/** A slice for each pod, as each may listen elsewhere. */
function publish(name: string, pods: readonly Pod[], ending?: Pod): void {
  for (const [index, pod] of pods.entries()) {
    const conditions = { ready: pod !== ending, serving: true, terminating: pod === ending };
    const endpoint = { addresses: [pod.ip], nodeName: `worker-${index}`, conditions };
    world.api.put("endpointslices", slice(name, pod.port, [endpoint], index));
  }
}

describe.runIf(process.platform === "linux")("the shop on the embedded network", () => {
  let backends: Pod[];
  let webs: Pod[];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "inkube-shop-"));
    preload = join(directory, "preload.cjs");
    const entry = fileURLToPath(new URL("actors/container-runtime/images/preload.ts", root));
    await build({
      entryPoints: [entry],
      outfile: preload,
      bundle: true,
      platform: "node",
      format: "cjs",
      logLevel: "silent",
    });
    world = new ProxyWorld();
    webPort = await freePort(world.net, WEB_IP);
    world.api.put("services", service("web", WEB_IP, webPort));
    world.api.put("services", service("backend", BACKEND_IP, 8_080));
    for (const index of [0, 1, 2]) world.api.put("nodes", node(`worker-${index}`, `127.246.${index}.0/24`));
    proxy = await world.start("worker-0", { serviceRange: "127.247.0.0/16", clusterId: "shop" });
    await until(() => proxy.hosts() !== null);
    writeFileSync(join(directory, "hosts.json"), JSON.stringify(proxy.hosts()));
    const env = { GREETING: "Welcome", BACKEND_URL: "http://backend:8080/offer" };
    backends = await Promise.all(
      [0, 1].map((index) => startPod("backend", `backend-${index}`, `127.246.${index}.9`, {})),
    );
    webs = await Promise.all([0, 1, 2].map((index) => startPod("web", `web-${index}`, `127.246.${index}.2`, env)));
    publish("backend", backends);
    publish("web", webs);
    // The listeners and the pages need a moment each to come up.
    await until(async () => (await proxy.call("status", null)).listeners.every((each) => each.bound !== undefined));
    await until(async () => (await get(webPort).catch(() => undefined))?.status === 200);
  });
  afterAll(async () => {
    world.close();
    await Promise.all(workers.map((worker) => worker.terminate()));
    rmSync(directory, { recursive: true, force: true });
    expect(world.failures).toEqual([]);
  });

  it("answers from all pods evenly, with the back end's answer in the page", async () => {
    const counts = new Map<unknown, number>();
    for (let index = 0; index < 12; index++) {
      const { status, body } = await get(webPort);
      expect(status).toBe(200);
      expect(body).toMatchObject({ greeting: "Welcome", backend: { offer: expect.any(String) } });
      counts.set(body["pod"], (counts.get(body["pod"]) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ "web-0": 4, "web-1": 4, "web-2": 4 });
  });

  it("sends a pod's request to the pod on its own node, and so does that pod", async () => {
    for (let index = 0; index < 4; index++) {
      const { body } = await get(webPort, "127.246.1.77");
      expect(body).toMatchObject({ pod: "web-1", backend: { pod: "backend-1" } });
    }
  });

  it("answers without a failure while a back end and a web pod die unannounced", async () => {
    await backends[0]?.worker.terminate();
    await webs[2]?.worker.terminate();
    for (let index = 0; index < 12; index++) {
      const { status, body } = await get(webPort);
      expect([status, body["error"]]).toEqual([200, undefined]);
      expect(body["backend"]).toMatchObject({ pod: "backend-1" });
    }
  });

  it("answers without a failure while a web pod ends gracefully", async () => {
    const ending = webs[1] as Pod;
    const codes: number[] = [];
    ending.worker.once("exit", (code) => codes.push(code));
    ending.signal();
    // As the controllers do: the news reach the proxy while the pod still answers.
    publish("web", webs, ending);
    while (codes.length === 0) expect((await get(webPort)).status).toBe(200);
    expect(codes).toEqual([0]);
    expect((await get(webPort)).body["pod"]).toBe("web-0");
  });

  it("says 502 with a reason when no back end is left", async () => {
    await backends[1]?.worker.terminate();
    const { status, body } = await get(webPort);
    expect(status).toBe(502);
    expect(body).toMatchObject({ greeting: "Welcome", error: expect.stringContaining("back end does not answer") });
  });
});

describe("shop.yaml", () => {
  it("is what the tour needs: six web pods that call two back ends through a Service, with probes and a ConfigMap", () => {
    const text = readFileSync(new URL("test/examples/shop.yaml", root), "utf8");
    const objects = parseAllDocuments(text).map(
      (document) => document.toJS() as KubernetesObject & Record<string, never>,
    );
    expect(objects.map((object) => `${object.kind}/${object.metadata?.name}`)).toEqual([
      "Namespace/shop",
      "ConfigMap/web-config",
      "Deployment/backend",
      "Service/backend",
      "Deployment/web",
      "Service/web",
    ]);
    expect(objects.map((object) => object.metadata?.namespace ?? "shop")).toEqual(objects.map(() => "shop"));
    expect(objects[4]).toMatchObject({
      spec: {
        replicas: 6,
        template: { spec: { containers: [{ image: "shop/web:1", readinessProbe: { httpGet: {} } }] } },
      },
    });
    expect(objects[2]).toMatchObject({ spec: { replicas: 2 } });
  });
});
