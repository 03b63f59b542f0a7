/** A pod's own credentials: clients that look for them in a cluster find them, whatever drives their container. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { ConfigMap, Container, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { mountRefusal } from "../../fixtures/real-mounts.ts";
import { until } from "../../fixtures/until.ts";

const program = fileURLToPath(new URL("../../fixtures/programs/list-pods.mjs", import.meta.url));
const dataDir = mkdtempSync(join(realpathSync(tmpdir()), "inkube-credentials-"));
const options = {
  masters: 1,
  workers: 1,
  dataDir,
  images: { "list-thread:1": { module: program }, "list-process:1": { command: ["node", program] } },
};

let cluster: Cluster;
beforeAll(async () => {
  cluster = await inkube.Cluster.start(options);
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function run(name: string, container: Omit<Container, "name">): Promise<string> {
  const spec = { restartPolicy: "Never" as const, containers: [{ name: "main", ...container }] };
  await cluster.client.create(inkube.pods, { metadata: { name, namespace: "default" }, spec });
  return await output(name);
}

/** Of a pod that has ended. */
async function output(name: string): Promise<string> {
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  await until(`the end of ${name}`, async () => {
    const pod = await cluster.client.get(inkube.pods, name, "default");
    return ["Succeeded", "Failed"].includes(pod.status?.phase ?? "");
  });
  return await api.readNamespacedPodLog({ name, namespace: "default" });
}

describe.runIf(process.platform === "linux")("a client in a pod", () => {
  it.each([
    ["on a thread", "in-thread", "list-thread:1"],
    ["in a process", "in-process", "list-process:1"],
  ])("%s lists pods as its account, by loadFromCluster()", async (_what, name, image) => {
    const said = JSON.parse(await run(name, { image })) as { username: string; pod: string[]; pods: string[] };
    expect(said).toMatchObject({ username: "system:serviceaccount:default:default", pod: [name] });
    expect(said.pods).toContain(name);
  });

  it("that is no Node.js program finds the files where the command names them", async () => {
    const directory = "/var/run/secrets/kubernetes.io/serviceaccount";
    const script = `ls ${directory}; cat ${directory}/namespace; head -c 27 ${directory}/ca.crt`;
    const text = await run("in-shell", { image: "busybox", command: ["sh", "-c", script] });
    expect(text).toBe("ca.crt\nnamespace\ntoken\ndefault-----BEGIN CERTIFICATE-----");
  });

  it.skipIf(mountRefusal() !== undefined)(
    "that is any program finds them there itself, and can't change them",
    async () => {
      const script = [
        "base=/var/run; dir=$base/secrets/kubernetes.io; cd $dir/service*; cat namespace; wc -l < ca.crt | grep -q . && echo ' ca'",
        "test $(cut -d. -f2 token | wc -c) -gt 100 && echo token; touch x; for log in /dev/termination*; do echo bye > $log; done",
      ].join(";");
      const text = await run("in-mounts", { image: "busybox", command: ["sh", "-c", script] });
      expect(text).toMatch(/^default ca\ntoken\n.*Read-only file system\n$/);
      await until("its end", async () => {
        const pod = await cluster.client.get<Pod>(inkube.pods, "in-mounts", "default");
        return pod.status?.containerStatuses?.[0]?.state?.terminated?.message === "bye\n";
      });
    },
  );

  it("has a token that stays good when the cluster starts again on its data, and that other clusters can check", async () => {
    const config = new KubeConfig();
    config.loadFromString(cluster.kubeconfig);
    const request = { name: "default", namespace: "default", body: { spec: {} } } as never;
    const { status } = await config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken(request);
    const token = status?.token ?? "";
    expect(decodeJwt(token).sub).toBe("system:serviceaccount:default:default");
    await cluster.stop();
    cluster = await inkube.Cluster.start(options);
    const again = new KubeConfig();
    again.loadFromString(cluster.kubeconfig.replace(/token: .*/, `token: ${token}`));
    const { items } = await again.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: "default" });
    expect(items.length).toBeGreaterThan(0);
  });
});

describe("a cluster with controllers", () => {
  it("has its authority's certificate in each namespace, and gives it to pods with a token", async () => {
    const map = await cluster.client.get<ConfigMap>(inkube.configMaps, "kube-root-ca.crt", "kube-system");
    expect(map.data?.["ca.crt"]).toBe(cluster.authority);
    const spec = { containers: [{ name: "main", image: "busybox", command: ["sleep", "600"] }] };
    const made = await cluster.client.create<Pod>(inkube.pods, {
      metadata: { name: "mounted", namespace: "default" },
      spec,
    });
    expect(made.spec?.serviceAccountName).toBe("default");
    expect(made.spec?.volumes?.map(({ name }) => name)).toEqual([
      expect.stringMatching(/^kube-api-access-[a-z0-9]{5}$/),
    ]);
    expect(made.spec?.containers[0]?.volumeMounts?.[0]?.mountPath).toBe(
      "/var/run/secrets/kubernetes.io/serviceaccount",
    );
  });
});
