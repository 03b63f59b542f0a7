import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { kubeletToken } from "../../../actors/api-server/io/kubelet-token.ts";
import { configMaps, events, nodes, pods } from "../../../actors/client/resources.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { NODE, NodeCluster, buildBundles, isReady } from "./node-cluster.ts";

let bundles: string;
let cluster: NodeCluster;

beforeAll(async () => {
  bundles = await buildBundles();
  const images = { "test/spin:1": { module: join(bundles, "spin.mjs") } };
  cluster = new NodeCluster(bundles, { kubeletToken: "secret" }, { images });
  await cluster.start();
});
afterAll(async () => {
  await cluster.stop();
  rmSync(bundles, { recursive: true, force: true });
});
afterEach(() => expect(cluster.crashes).toEqual([]));

const isGone = (name: string) => cluster.until(async () => (await cluster.get(name)) === undefined);

async function logs(
  pod: string,
  query = "",
  token = "secret",
  named?: string,
): Promise<{ status: number; text: string }> {
  const node = await cluster.client.get(nodes, NODE);
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  const container = named ?? (await cluster.get(pod))?.spec?.containers[0]?.name ?? "main";
  const response = await fetch(`http://127.0.0.1:${port}/containerLogs/default/${pod}/${container}${query}`, {
    headers: { authorization: `Bearer ${kubeletToken(token, { host: "127.0.0.1", port })}` },
  });
  return { status: response.status, text: await response.text() };
}

it("a web server on a thread serves, is probed, logs, and goes", async () => {
  const probe = { httpGet: { path: "/", port: 80 } };
  const containers = [{ name: "main", image: "nginx:1.27", ports: [{ containerPort: 80 }], readinessProbe: probe }];
  await cluster.create("web", { containers });
  await cluster.untilPod("web", isReady);
  const pod = (await cluster.get("web"))!;
  const moved = JSON.parse(pod.metadata?.annotations?.["inkube.dev/ports"] ?? "{}") as Record<string, number>;
  const response = await fetch(`http://${pod.status?.podIP}:${moved["80"] ?? 80}/`);
  expect(response.status).toBe(200);
  await response.text();
  await expect.poll(async () => (await logs("web")).text).toContain("GET / HTTP/1.1");
  await cluster.delete("web");
  await isGone("web");
});

it("a process runs with its configuration, and its log is kept in order", async () => {
  await cluster.client.create(configMaps, {
    metadata: { name: "settings", namespace: "default" },
    data: { greeting: "hello" },
  });
  await cluster.create("job", {
    restartPolicy: "Never",
    containers: [
      {
        name: "main",
        image: "busybox:1.36",
        command: [
          "sh",
          "-c",
          'echo "$GREETING from $(NAME)"; cat etc/config/greeting; echo; for i in 1 2 3; do echo $i; done; exit 5',
        ],
        env: [
          { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          { name: "GREETING", valueFrom: { configMapKeyRef: { name: "settings", key: "greeting" } } },
        ],
        volumeMounts: [{ name: "config", mountPath: "/etc/config" }],
      },
    ],
    volumes: [{ name: "config", configMap: { name: "settings" } }],
  });
  await cluster.untilPod("job", ({ status }) => status?.phase === "Failed");
  expect((await cluster.get("job"))?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(5);
  expect((await logs("job")).text).toBe("hello from job\nhello\n1\n2\n3\n");
  expect((await logs("job", "?tailLines=1")).text).toBe("3\n");
  expect((await logs("job", "?tailLines=1&timestamps=true")).text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z 3\n$/);
});

it("the log server refuses a wrong token and knows no other pods", async () => {
  expect((await logs("job", "", "wrong")).status).toBe(401);
  expect((await logs("nobody")).status).toBe(404);
});

it("an ephemeral container has a log, and what it asks for in vain is told", async () => {
  const command = ["sh", "-c", "while :; do sleep 0.05; done"];
  await cluster.create("debugged", { containers: [{ name: "main", image: "busybox", command }] });
  await cluster.untilPod("debugged", isReady);
  const says = { image: "busybox", command: ["sh", "-c", "echo here"], targetContainerName: "main" };
  await cluster.client.patch(
    pods,
    "debugged",
    "default",
    { spec: { ephemeralContainers: [{ name: "dbg", ...says }] } },
    {
      subresource: "ephemeralcontainers",
    },
  );
  await expect.poll(async () => (await logs("debugged", "", "secret", "dbg")).text).toBe("here\n");
  const told = async (): Promise<readonly (string | undefined)[]> =>
    (await cluster.client.list(events, { namespace: "default" })).items
      .filter(({ reason, involvedObject }) => reason === "Unsupported" && involvedObject.name === "debugged")
      .map(({ message }) => message);
  await expect.poll(told).toEqual(['container "dbg": targetContainerName is not supported']);
  await cluster.delete("debugged");
});

it("a log is followed until its container ends", async () => {
  const command = ["sh", "-c", "echo one; sleep 0.2; echo two; sleep 0.2; echo three"];
  await cluster.create("talker", { restartPolicy: "Never", containers: [{ name: "main", image: "busybox", command }] });
  await cluster.untilPod("talker", ({ status }) => status?.phase === "Running");
  expect((await logs("talker", "?follow=true")).text).toBe("one\ntwo\nthree\n");
});

it("a ConfigMap's new content reaches the volumes of pods that run", async () => {
  const metadata = { name: "live", namespace: "default" };
  await cluster.client.create(configMaps, { metadata, data: { word: "old" } });
  const command = ["sh", "-c", "while :; do cat etc/live/*; echo; sleep 0.05; done"];
  const volumeMounts = [{ name: "live", mountPath: "/etc/live" }];
  const volumes = [{ name: "live", configMap: { name: "live" } }];
  await cluster.create("reader", { containers: [{ name: "main", image: "busybox", command, volumeMounts }], volumes });
  await expect.poll(async () => (await logs("reader")).text).toContain("old");
  await cluster.client.patch(configMaps, "live", "default", { data: { word: "new" } });
  await expect.poll(async () => (await logs("reader", "?tailLines=1")).text).toBe("new\n");
  await cluster.client.patch(configMaps, "live", "default", { data: { word: null, other: "moved" } });
  await expect.poll(async () => (await logs("reader", "?tailLines=1")).text).toBe("moved\n");
});

it.runIf(process.platform === "linux")("processes listen on one port, each on its own address", async () => {
  const source = "require('http').createServer((q, s) => s.end(require('os').hostname())).listen(8080)";
  const probe = { httpGet: { port: "http" } };
  const container = {
    name: "main",
    image: "node:22",
    command: ["node", "-e", source],
    ports: [{ name: "http", containerPort: 8080 }],
    readinessProbe: probe,
  };
  for (const name of ["one", "two"]) await cluster.create(name, { containers: [container] });
  for (const name of ["one", "two"]) {
    await cluster.untilPod(name, isReady);
    const ip = (await cluster.get(name))?.status?.podIP;
    expect(await (await fetch(`http://${ip}:8080/`)).text()).toBe(name);
  }
});

it("a thread that spins harms no other pod, and ends when it is deleted", async () => {
  const file = join(bundles, "spin.mjs");
  writeFileSync(file, "setTimeout(() => { for (;;); }, 50)");
  await cluster.create("spin", {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: "test/spin:1" }],
  });
  await cluster.untilPod("spin", isReady);
  await cluster.create("calm", { containers: [{ name: "main", image: "nginx" }] });
  await cluster.untilPod("calm", isReady);
  await cluster.delete("spin");
  await isGone("spin");
});

it("an init container hands over a volume, and hooks run after the start and before SIGTERM", async () => {
  const volumeMounts = [{ name: "data", mountPath: "/data" }];
  const write = (word: string) => ({ exec: { command: ["sh", "-c", `echo ${word} >> data/words`] } });
  const command = ["sh", "-c", "trap 'cat data/words; exit 0' TERM; echo up; sleep 60 & wait"];
  const init = { name: "setup", image: "busybox", command: ["sh", "-c", "echo init > data/words"], volumeMounts };
  const main = {
    name: "main",
    image: "busybox",
    command,
    volumeMounts,
    lifecycle: { postStart: write("postStart"), preStop: write("preStop") },
  };
  await cluster.create("hooks", {
    initContainers: [init],
    containers: [main],
    volumes: [{ name: "data", emptyDir: {} }],
  });
  await cluster.untilPod("hooks", isReady);
  await expect.poll(async () => (await logs("hooks")).text).toBe("up\n");
  const followed = logs("hooks", "?follow=true");
  await cluster.delete("hooks");
  expect((await followed).text).toBe("up\ninit\npostStart\npreStop\n");
  await isGone("hooks");
});

it("exec probes run in processes", async () => {
  const command = ["sh", "-c", "sleep 0.1; touch ready; exec sleep 60"];
  const probe = { exec: { command: ["test", "-f", "ready"] }, periodSeconds: 1 };
  await cluster.create("exec", { containers: [{ name: "main", image: "busybox", command, readinessProbe: probe }] });
  await cluster.untilPod("exec", isReady);
});

it("a kubelet that dies leaves containers running and takes them up again", async () => {
  const before = (await cluster.get("exec"))?.status?.containerStatuses?.[0];
  await cluster.kill(`${NODE}/kubelet`);
  await cluster.create("after", { containers: [{ name: "main", image: "registry.k8s.io/pause:3.10" }] });
  await cluster.untilPod("after", isReady);
  expect((await cluster.get("exec"))?.status?.containerStatuses?.[0]).toEqual(before);
});

it("a container runtime that dies takes its processes with it, and the kubelet starts them again", async () => {
  await cluster.kill(`${NODE}/container-runtime`);
  await cluster.untilPod("exec", (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(pod));
  await cluster.delete("exec");
  await isGone("exec");
});

it.each([
  ["a simulation", { name: "main", image: "registry.k8s.io/pause:3.10" }],
  ["a thread", { name: "main", image: "nginx" }],
  ["a process", { name: "main", image: "node:22", command: ["node", "-e", "setInterval(() => {}, 1000)"] }],
])("many pods at once become Ready, each as %s, and go again", async (kind, container) => {
  const names = Array.from({ length: 6 }, (_, index) => `${kind.replace(" ", "-")}-${index}`);
  const ready = names.map((name) => cluster.untilPod(name, isReady, 20_000));
  await Promise.all(names.map((name) => cluster.create(name, { containers: [container] })));
  await Promise.all(ready);
  const ips = await Promise.all(names.map(async (name) => (await cluster.get(name))?.status?.podIP));
  expect(new Set(ips).size).toBe(names.length);
  await Promise.all(names.map((name) => cluster.delete(name)));
  await Promise.all(names.map(isGone));
});

const ended = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.terminated;

it.each<[string, "File" | "FallbackToLogsOnError", string, number, string | undefined]>([
  ["what its container wrote", "File", "echo said > /dev/termination-log; echo log; exit 3", 3, "said\n"],
  ["nothing where it wrote nothing", "File", "echo log; exit 3", 3, undefined],
  ["the end of its log where that is asked for", "FallbackToLogsOnError", "echo log; exit 3", 3, "log\n"],
  ["no log of one that did well", "FallbackToLogsOnError", "echo log", 0, undefined],
])("the message of an end is %s", async (_what, terminationMessagePolicy, script, exitCode, message) => {
  const name = `words-${exitCode}-${terminationMessagePolicy.toLowerCase()}-${script.length}`;
  const main = { name: "main", image: "busybox", command: ["sh", "-c", script], terminationMessagePolicy };
  await cluster.create(name, { restartPolicy: "Never", containers: [main] });
  await cluster.untilPod(name, (pod) => ended(pod) !== undefined);
  const terminated = ended((await cluster.get(name))!);
  expect([terminated?.exitCode, terminated?.message]).toEqual([exitCode, message]);
});

it("a command that isn't there is a failed start, with words about it", async () => {
  const main = { name: "main", image: "busybox", command: ["no-such-command"] };
  await cluster.create("absent", { restartPolicy: "Never", containers: [main] });
  await cluster.untilPod("absent", (pod) => ended(pod) !== undefined);
  expect(ended((await cluster.get("absent"))!)).toMatchObject({
    exitCode: 128,
    reason: "StartError",
    message: 'unable to start container process: exec: "no-such-command": executable file not found in $PATH',
  });
});

it("images that can't be had say why", async () => {
  const waits = async (name: string, image: string, imagePullPolicy?: "Never") => {
    const main = { name: "main", image, ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }) };
    await cluster.create(name, { containers: [main] });
    const waiting = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting;
    await cluster.untilPod(name, (pod) => /Image/.test(waiting(pod)?.reason ?? ""));
    return waiting((await cluster.get(name))!);
  };
  expect(await waits("never", "nobody/knows:1", "Never")).toEqual({
    reason: "ErrImageNeverPull",
    message: 'Container image "nobody/knows:1" is not present with pull policy of Never',
  });
  expect(await waits("ill", "nginx::1")).toEqual({
    reason: "InvalidImageName",
    message:
      'Failed to apply default image tag "nginx::1": couldn\'t parse image name "nginx::1": invalid reference format',
  });
});

it("volumes have their permissions, follow their pod, and a subPath stays as it was", async () => {
  await cluster.client.create(configMaps, { metadata: { name: "followed", namespace: "default" }, data: { a: "1" } });
  const script = `
    stat -c %a -L etc/live/a; readlink etc/live/a; cat etc/sub; ls etc/none | wc -l;
    until grep -q two etc/pod/labels && grep -q 2 etc/live/a; do sleep 0.05; done; cat etc/sub; echo; echo over`;
  await cluster.client.create(pods, {
    metadata: { name: "follower", namespace: "default", labels: { which: "one" } },
    spec: {
      nodeName: NODE,
      restartPolicy: "Never",
      securityContext: { fsGroup: process.getgid?.() ?? 0 },
      containers: [
        {
          name: "main",
          image: "busybox",
          command: ["sh", "-c", script],
          volumeMounts: [
            { name: "live", mountPath: "/etc/live" },
            { name: "live", mountPath: "/etc/sub", subPath: "a" },
            { name: "live", mountPath: "/etc/none", subPath: "none" },
            { name: "pod", mountPath: "/etc/pod" },
          ],
        },
      ],
      volumes: [
        {
          name: "live",
          configMap: {
            name: "followed",
            defaultMode: 0o400,
            optional: true,
            items: ["a", "none"].map((key) => ({ key, path: key })),
          },
        },
        { name: "pod", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
      ],
    },
  });
  await cluster.untilPod("follower", ({ status }) => status?.phase === "Running");
  await expect.poll(async () => (await logs("follower")).text).toContain("0\n");
  await cluster.client.patch(configMaps, "followed", "default", { data: { a: "2" } });
  await cluster.client.patch(pods, "follower", "default", { metadata: { labels: { which: "two" } } });
  await cluster.untilPod("follower", ({ status }) => status?.phase === "Succeeded");
  expect((await logs("follower")).text).toBe("440\n..data/a\n10\n1\nover\n");
});
