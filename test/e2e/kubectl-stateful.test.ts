/** `kubectl` on StatefulSets and DaemonSets, on real containers: what they are called, how they are rolled out, and back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { until } from "../fixtures/until.ts";

let cluster: Cluster;
let kubectl: Kubectl;

/** Answers with its own host name and VERSION. */
const SERVER = `
  const { hostname } = require("node:os");
  require("node:http")
    .createServer((request, response) => response.end(hostname() + " " + process.env.VERSION))
    .listen(8080);`;
/** Asks `db-1` by its own name below the Service, again and again. */
const ASKER = `
  const ask = () => fetch("http://db-1.db.default.svc.cluster.local:8080/")
    .then((answer) => answer.text(), (error) => String(error.cause ?? error))
    .then((text) => (console.log("heard " + text), setTimeout(ask, 50)));
  ask();`;

function template(app: string, version: string): object {
  const containers = [
    { name: "c", image: "node", command: ["node", "-e", SERVER], env: [{ name: "VERSION", value: version }] },
  ];
  return { metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 0, containers } };
}

const manifests = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 8080 }] },
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: { serviceName: "db", replicas: 3, selector: { matchLabels: { app: "db" } }, template: template("db", "1") },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent" },
    spec: { selector: { matchLabels: { app: "agent" } }, template: template("agent", "1") },
  },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "asker" },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "c", image: "node", command: ["node", "-e", ASKER] }],
    },
  },
];

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 2 });
  kubectl = new Kubectl(cluster.kubeconfig);
  const said = await kubectl.run("apply -f -", JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }));
  expect(said.trim().split("\n")).toEqual([
    "service/db created",
    "statefulset.apps/db created",
    "daemonset.apps/agent created",
    "pod/asker created",
  ]);
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

const hears = (text: string): Promise<unknown> =>
  until(text, async () => (await kubectl.run("logs asker --tail 1")) === `heard ${text}\n`);
const versions = (app: string): Promise<string> =>
  kubectl.run(`get pods -l app=${app} -o 'jsonpath={.items[*].spec.containers[0].env[0].value}'`);
const update = (set: string, version: string): Promise<string> => kubectl.run(`set env ${set} VERSION=${version}`);
const status = (set: string): Promise<string> => kubectl.run(`rollout status ${set} --timeout 60s`);

describe("kubectl on a StatefulSet", () => {
  it("follows the roll-out to its end, and finds each pod under its own name", async () => {
    expect(await status("statefulset/db")).toContain("roll out complete");
    expect(await kubectl.run("get pods -l app=db -o name")).toBe("pod/db-0\npod/db-1\npod/db-2\n");
    expect(await kubectl.run("get statefulset db --no-headers")).toMatch(/^db +3\/3 /);
    await hears("db-1 1");
  });

  it("gives a pod that is deleted its name again, also in DNS", async () => {
    const uid = (): Promise<string> => kubectl.run("get pod db-1 -o jsonpath={.metadata.uid}");
    const before = await uid();
    await kubectl.run("delete pod db-1 --wait=false");
    await until("another db-1", async () => (await uid()) !== before);
    await status("statefulset/db");
    await hears("db-1 1");
  });

  it("rolls an update out, tells its history, and rolls it back", async () => {
    await update("statefulset/db", "2");
    expect(await status("statefulset/db")).toMatch(/roll out complete|rolling update complete/);
    expect(await versions("db")).toBe("2 2 2");
    await hears("db-1 2");
    expect(await kubectl.run("rollout history statefulset/db")).toMatch(/REVISION[^]*\n1 [^]*\n2 /);
    expect(await kubectl.run("rollout undo statefulset/db")).toContain("rolled back");
    await status("statefulset/db");
    expect(await versions("db")).toBe("1 1 1");
    expect(await kubectl.run("rollout history statefulset/db")).toMatch(/REVISION[^]*\n2 [^]*\n3 /);
    await hears("db-1 1");
  });

  it("scales down from the last one on", async () => {
    await kubectl.run("scale statefulset/db --replicas 1");
    await kubectl.run("wait pod/db-1 pod/db-2 --for=delete --timeout 60s");
    expect(await kubectl.run("get pods -l app=db -o name")).toBe("pod/db-0\n");
  });
});

describe("kubectl on a DaemonSet", () => {
  it("follows the roll-out to its end: one pod on each node", async () => {
    expect(await status("daemonset/agent")).toContain("successfully rolled out");
    const nodes = await kubectl.run("get pods -l app=agent -o 'jsonpath={.items[*].spec.nodeName}'");
    expect(nodes.split(" ").sort()).toEqual(["worker-0", "worker-1"]);
  });

  it("rolls an update out, tells its history, and rolls it back", async () => {
    await update("daemonset/agent", "2");
    expect(await status("daemonset/agent")).toContain("successfully rolled out");
    expect(await versions("agent")).toBe("2 2");
    expect(await kubectl.run("rollout history daemonset/agent")).toMatch(/REVISION[^]*\n1 [^]*\n2 /);
    expect(await kubectl.run("rollout undo daemonset/agent --to-revision 1")).toContain("rolled back");
    await status("daemonset/agent");
    expect(await versions("agent")).toBe("1 1");
  });

  it("gives a new worker its pod", async () => {
    const name = await cluster.addWorker();
    await until("a pod there", async () => {
      const found = await kubectl.run(`get pods -l app=agent --field-selector spec.nodeName=${name} --no-headers`);
      return found.includes("Running");
    });
    expect(await kubectl.run("get daemonset agent --no-headers")).toMatch(/^agent +3 +3 /);
  });
});
