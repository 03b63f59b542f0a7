/** An extension API server in a pod, behind a Service and an APIService, as kubectl's user meets it; and what pods use, measured. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { makeAuthority, makeCertificate } from "../../actors/cluster/io/certificates.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { until } from "../fixtures/until.ts";

const program = fileURLToPath(new URL("../fixtures/programs/extension-server.mjs", import.meta.url));
const authority = makeAuthority("ext-ca", Date.now());
const serving = makeCertificate(authority, { commonName: "ext" }, ["ext.default.svc"], Date.now());

let cluster: Cluster;
let kubectl: Kubectl;
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, images: { "ext:1": { module: program } } });
  kubectl = new Kubectl(cluster.kubeconfig);
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

const metadata = { name: "ext", namespace: "default", labels: { app: "ext" } };
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata,
  spec: { selector: { app: "ext" }, ports: [{ name: "https", port: 443, targetPort: 8443 }] },
};
const apiService = {
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name: "v1.ext.example.com" },
  spec: {
    group: "ext.example.com",
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 10,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    service: { namespace: "default", name: "ext" },
  },
};

async function startPod(): Promise<void> {
  const trust = await kubectl.run(
    "get configmap extension-apiserver-authentication -n kube-system -o jsonpath={.data.requestheader-client-ca-file}",
  );
  const env = [
    { name: "TLS_CERT", value: serving.certificate },
    { name: "TLS_KEY", value: serving.key },
    { name: "PROXY_CA", value: trust },
  ];
  const containers = [{ name: "ext", image: "ext:1", ports: [{ containerPort: 8443 }], env }];
  await kubectl.run("apply -f -", JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers } }));
}

const available = (wanted: string): Promise<string> =>
  kubectl.run(`wait apiservice/v1.ext.example.com --for=condition=Available=${wanted} --timeout=30s`);

it("is served as if it were our own, and says who asked", async () => {
  await startPod();
  await kubectl.run("apply -f -", JSON.stringify(service));
  await kubectl.run("apply -f -", JSON.stringify(apiService));
  await available("True");
  expect(await kubectl.run("get apiservice v1.ext.example.com")).toMatch(/default\/ext +True/);
  expect(await kubectl.run("get things --show-labels --no-headers")).toMatch(/^one .*asked-by=kubernetes-admin/);
  expect(await kubectl.run("api-resources --api-group ext.example.com --no-headers")).toMatch(/things .*Thing/);
  const watch = kubectl.follow("get things -w --no-headers --output-watch-events");
  await until("the watch's first event", () => /ADDED +one/.test(watch.output()));
  watch.stop();
});

it("is reached through the proxy of its Service, its pod, and its node's kubelet", async () => {
  const healthy = /"healthy":true/;
  expect(await kubectl.run("get --raw /api/v1/namespaces/default/services/https:ext:https/proxy/healthz")).toMatch(
    healthy,
  );
  expect(await kubectl.run("get --raw /api/v1/namespaces/default/pods/https:ext:8443/proxy/healthz")).toMatch(healthy);
  expect(await kubectl.run("get --raw /api/v1/nodes/worker-0/proxy/stats/summary")).toContain('"nodeName":"worker-0"');
});

it("is measured: kubectl top tells what its pod holds", async () => {
  const [, megabytes] = /ext +\d+m +(\d+)Mi/.exec(await kubectl.run("top pod ext")) ?? [];
  expect(Number(megabytes)).toBeGreaterThan(3);
  expect(await kubectl.run("top node")).toMatch(/worker-0 +\d+m +\d+% +\d+Mi/);
  expect(await kubectl.run("get --raw /metrics")).toMatch(/apiserver_request_total\{.*resource="pods".*\} \d+/);
});

it("is away with its pod, holds up nobody else, and comes back with it", async () => {
  await kubectl.run("delete pod ext --now");
  await available("False");
  const refused = await kubectl.try("get --raw /apis/ext.example.com/v1/things");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("the server is currently unable to handle the request");
  expect(await kubectl.run("get namespaces")).toContain("kube-system");
  expect(await kubectl.run("api-resources --api-group apps --no-headers")).toMatch(/deployments/);
  await startPod();
  await available("True");
  expect(await kubectl.run("get things --no-headers")).toMatch(/^one /);
});
