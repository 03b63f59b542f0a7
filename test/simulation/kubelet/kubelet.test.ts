import { describe, expect, it } from "vitest";
import { configMaps, leases, serviceAccounts } from "../../../actors/client/resources.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Net } from "../../../runtime/net.ts";
import { NodeWorld, isReady } from "./node-world.ts";

let world: NodeWorld;
const begin = async (...given: ConstructorParameters<typeof NodeWorld>): Promise<NodeWorld> => {
  world = new NodeWorld(...given);
  await world.start();
  return world;
};

const HTTP_PROBE = { httpGet: { path: "/", port: 80 } };
const WEB = { name: "main", image: "web", ports: [{ containerPort: 80 }] };

describe("a node", () => {
  it("registers with its range and keeps its Lease fresh", async () => {
    await begin(1);
    const node = await world.node();
    expect(node?.spec?.podCIDR).toBe("127.64.0.0/24");
    expect(node?.status?.addresses).toContainEqual({ type: "InternalIP", address: "127.32.0.1" });
    const lease = () => world.host.settle(() => world.client.get(leases, "worker-0", "kube-node-lease"));
    await world.host.run(1_500);
    const before = (await lease()).spec?.renewTime ?? "";
    await world.host.run(2_100);
    expect(Date.parse((await lease()).spec?.renewTime ?? "") - Date.parse(before)).toBeGreaterThanOrEqual(1_900);
  });
});

describe("a pod's token", () => {
  const sources = [{ serviceAccountToken: { path: "token", expirationSeconds: 3_607 } }];
  const spec = { serviceAccountName: "web", volumes: [{ name: "access", projected: { sources } }] };
  type Payload = { readonly exp: number; readonly "kubernetes.io": { readonly pod: object } };
  const payloadOf = (token: string): Payload => JSON.parse(atob(token.split(".")[1] ?? "")) as Payload;
  const createAccount = (): Promise<unknown> =>
    world.host.settle(() => world.client.create(serviceAccounts, { metadata: { name: "web", namespace: "default" } }));

  it("is bound to the pod, and another one when four fifths of its life are over, also while no API server is there then", async () => {
    await begin(3);
    await createAccount();
    const { metadata: { uid = "" } = {} } = await world.createPod("web", spec);
    await world.untilPod("web", isReady);
    const first = await world.volumeFile(uid, "access", "token");
    expect(payloadOf(first)["kubernetes.io"].pod).toEqual({ name: "web", uid });
    await world.host.run(0.75 * 3_607_000);
    expect(await world.volumeFile(uid, "access", "token")).toBe(first);
    world.host.partition(["worker-0/kubelet"], ["api-server-0"]);
    await world.host.run(0.06 * 3_607_000);
    expect(await world.volumeFile(uid, "access", "token")).toBe(first);
    world.host.heal(["worker-0/kubelet"], ["api-server-0"]);
    await world.until(async () => (await world.volumeFile(uid, "access", "token")) !== first);
    const second = await world.volumeFile(uid, "access", "token");
    expect(payloadOf(second).exp - payloadOf(first).exp).toBeGreaterThan(0.8 * 3_607 - 10);
    await world.deletePod("web", 0);
    await world.until(async () => (await world.pod("web")) === undefined);
    await world.until(async () => JSON.stringify(await world.held()).includes('"tokens":0'));
  });

  it("is waited for, with an event, until its account is there", async () => {
    await begin(4);
    await world.createPod("web", spec);
    const why = 'failed to fetch token: serviceaccounts "web" not found';
    await world.until(async () =>
      (await world.events("web")).some(
        ({ reason, message }) => reason === "FailedMount" && message?.includes(why) === true,
      ),
    );
    await createAccount();
    await world.untilPod("web", isReady);
  });
});

describe("a pod that the kubelet can't cope with", () => {
  it("costs no other pod anything, also when the kubelet starts anew beside it", async () => {
    await begin(1, {}, {}, (net) => net, { faults: true });
    const etcd = world.host.context.ref(etcdProtocol, "etcd-0");
    // No API server would take it: it stands for whatever the kubelet has not thought of.
    const faulty = {
      metadata: { name: "faulty", namespace: "default", uid: "faulty" },
      spec: { nodeName: "worker-0", containers: 7, volumes: 7 },
    };
    const value = new TextEncoder().encode(JSON.stringify(faulty));
    await world.host.settle(() => etcd.call("put", { key: "/registry/pods/default/faulty", value }));
    await world.host.run(500);
    await world.createPod("web", {});
    await world.untilPod("web", isReady);
    world.killKubelet();
    await world.host.run(1_000);
    await world.createPod("later", {});
    await world.untilPod("later", isReady);
    const told = world.host.trace.events.filter(
      ({ kind, detail }) => kind === "log.error" && detail.includes("stack="),
    );
    expect(told.length).toBeGreaterThan(0);
  });
});

describe("a pod", () => {
  it("is Ready within 30 ms of its creation, with an address of the node's range", async () => {
    await begin(2);
    await world.createPod("web", {});
    expect(await world.untilPod("web", isReady, 1_000, 1)).toBeLessThanOrEqual(30);
    const { status } = (await world.pod("web"))!;
    expect(status).toMatchObject({
      phase: "Running",
      hostIP: "127.32.0.1",
      podIP: "127.64.0.1",
      qosClass: "BestEffort",
    });
    expect(status?.containerStatuses?.[0]).toMatchObject({ ready: true, started: true, restartCount: 0 });
    await world.host.run(100);
    expect((await world.events("web")).map(({ reason }) => reason)).toEqual(["Pulled", "Created", "Started"]);
  });

  it("is Ready as soon as its readiness probe succeeds, long before the probe's period", async () => {
    await begin(3);
    await world.createPod(
      "web",
      { containers: [{ ...WEB, readinessProbe: { ...HTTP_PROBE, periodSeconds: 10 } }] },
      { "inkube.dev/simulated-ready-after-ms": "150" },
    );
    await world.untilPod("web", ({ status }) => status?.phase === "Running");
    expect(isReady((await world.pod("web"))!)).toBe(false);
    expect(await world.untilPod("web", isReady)).toBeLessThan(400);
    expect((await world.events("web")).filter(({ reason }) => reason === "Unhealthy").length).toBeLessThanOrEqual(1);
  });

  it("runs init containers in order and then its own", async () => {
    await begin(4);
    const init = (name: string) => ({ name, image: "setup" });
    await world.createPod(
      "web",
      { initContainers: [init("one"), init("two")] },
      { "inkube.dev/simulated-exit-after-ms.one": "100", "inkube.dev/simulated-exit-after-ms.two": "100" },
    );
    await world.untilPod("web", ({ status }) => status?.initContainerStatuses?.[1]?.state?.running !== undefined);
    const pending = (await world.pod("web"))!;
    expect(pending.status?.phase).toBe("Pending");
    expect(pending.status?.initContainerStatuses?.[0]?.state?.terminated?.reason).toBe("Completed");
    expect(pending.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("PodInitializing");
    await world.untilPod("web", isReady);
  });

  it("that crashes is restarted at once, then after 10 s, 20 s, 40 s", async () => {
    await begin(5);
    await world.createPod(
      "web",
      {},
      { "inkube.dev/simulated-exit-after-ms": "100", "inkube.dev/simulated-exit-code": "3" },
    );
    const starts: number[] = [];
    for (let restarts = 0; restarts <= 4; restarts++) {
      await world.untilPod(
        "web",
        ({ status }) => status?.containerStatuses?.[0]?.restartCount === restarts,
        60_000,
        20,
      );
      starts.push(world.host.nowMs);
    }
    const gaps = starts.slice(1).map((start, index) => Math.round((start - starts[index]!) / 1_000));
    expect(gaps).toEqual([0, 10, 20, 40]);
    const { status } = (await world.pod("web"))!;
    expect(status?.phase).toBe("Running");
    await world.untilPod(
      "web",
      (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff",
    );
    expect((await world.pod("web"))?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(3);
    expect((await world.events("web")).some(({ reason }) => reason === "BackOff")).toBe(true);
  });

  it("that may not restart has Succeeded or Failed by its exit code", async () => {
    await begin(6);
    const once = { restartPolicy: "Never" as const };
    await world.createPod("good", once, { "inkube.dev/simulated-exit-after-ms": "50" });
    const bad = { "inkube.dev/simulated-exit-after-ms": "50", "inkube.dev/simulated-exit-code": "1" };
    await world.createPod("bad", once, bad);
    await world.untilPod("good", ({ status }) => status?.phase === "Succeeded");
    await world.untilPod("bad", ({ status }) => status?.phase === "Failed");
    await world.host.run(30_000);
    expect((await world.pod("bad"))?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it("whose liveness probe fails is killed and restarted", async () => {
    await begin(7);
    const probe = { ...HTTP_PROBE, periodSeconds: 1, failureThreshold: 3 };
    await world.createPod(
      "web",
      { containers: [{ ...WEB, livenessProbe: probe }], terminationGracePeriodSeconds: 1 },
      { "inkube.dev/simulated-unready-after-ms": "2000" },
    );
    const tookMs = await world.untilPod("web", ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
    expect(tookMs).toBeGreaterThan(3_500);
    expect(tookMs).toBeLessThan(6_500);
    const messages = (await world.events("web")).map(({ message }) => message);
    expect(messages).toContain("Container main failed liveness probe, will be restarted");
  });

  it("waits for a ConfigMap that is missing, says so, and starts when it comes", async () => {
    await begin(8);
    const env = [{ name: "GREETING", valueFrom: { configMapKeyRef: { name: "settings", key: "greeting" } } }];
    await world.createPod("web", { containers: [{ ...WEB, env }] });
    const waiting = (reason: string) => (pod: Parameters<typeof isReady>[0]) =>
      pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason;
    await world.untilPod("web", waiting("CreateContainerConfigError"));
    const map = { metadata: { name: "settings", namespace: "default" }, data: { greeting: "hello" } };
    await world.host.settle(() => world.client.create(configMaps, map));
    expect(await world.untilPod("web", isReady)).toBeLessThan(200);
  });

  it("of an unknown image backs off and says how to register it", async () => {
    await begin(9, {}, { pods: "real" });
    await world.createPod("web", { containers: [{ name: "main", image: "nobody/knows:1" }] });
    await world.untilPod(
      "web",
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === "ErrImagePull",
    );
    const message = (await world.pod("web"))?.status?.containerStatuses?.[0]?.state?.waiting?.message;
    expect(message).toContain(`images: { "nobody/knows:1"`);
    await world.untilPod(
      "web",
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === "ImagePullBackOff",
    );
    expect((await world.events("web")).some((event) => event.message?.includes("nobody/knows:1") === true)).toBe(true);
  });

  it("that is deleted gets SIGTERM and its grace period, and is gone afterwards", async () => {
    await begin(10);
    await world.createPod("slow", { terminationGracePeriodSeconds: 3 }, { "inkube.dev/simulated-stop-ms": "-1" });
    await world.createPod("quick", {});
    await world.untilPod("slow", isReady);
    await world.untilPod("quick", isReady);
    await world.deletePod("slow");
    await world.deletePod("quick");
    const gone = (name: string) => world.until(async () => (await world.pod(name)) === undefined, 10_000);
    expect(await gone("quick")).toBeLessThan(100);
    expect(isReady((await world.pod("slow"))!)).toBe(false);
    const tookMs = await gone("slow");
    expect(tookMs).toBeGreaterThan(2_500);
    expect(tookMs).toBeLessThan(3_500);
  });

  it("that comes back into the API as it was while it ends begins anew", async () => {
    await begin(10);
    await world.createPod("web", { terminationGracePeriodSeconds: 3 }, { "inkube.dev/simulated-stop-ms": "-1" });
    await world.untilPod("web", isReady);
    const idOf = async (): Promise<string | undefined> =>
      (await world.pod("web"))?.status?.containerStatuses?.[0]?.containerID;
    const before = await idOf();
    const etcd = world.host.context.ref(etcdProtocol, "etcd-0");
    const key = "/registry/pods/default/web";
    const { kvs } = await world.host.settle(() => etcd.call("range", { key }));
    await world.host.settle(() => etcd.call("deleteRange", { key }));
    await world.host.run(500);
    await world.host.settle(() => etcd.call("put", { key, value: kvs[0]!.value }));
    expect(await idOf()).toBe(before);
    const tookMs = await world.until(async () => (await idOf()) !== before, 10_000);
    expect(tookMs).toBeGreaterThan(2_000);
    await world.untilPod("web", isReady);
  });

  it("keeps running through the death of the kubelet, and is not restarted", async () => {
    await begin(11);
    await world.createPod("web", { containers: [{ ...WEB, readinessProbe: HTTP_PROBE }] });
    await world.untilPod("web", isReady);
    const before = (await world.pod("web"))?.status?.containerStatuses?.[0]?.containerID;
    world.killKubelet();
    await world.createPod("late", {});
    await world.untilPod("late", isReady);
    await world.host.run(2_000);
    const after = (await world.pod("web"))!;
    expect(isReady(after)).toBe(true);
    expect(after.status?.containerStatuses?.[0]).toMatchObject({ containerID: before, restartCount: 0 });
    expect((await world.pod("late"))?.status?.podIP).not.toBe(after.status?.podIP);
  });

  it("is restarted after the death of the container runtime, with its address", async () => {
    await begin(12);
    await world.createPod("web", {});
    await world.untilPod("web", isReady);
    const ip = (await world.pod("web"))?.status?.podIP;
    world.killRuntime();
    await world.untilPod("web", (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(pod));
    const { status } = (await world.pod("web"))!;
    expect(status?.podIP).toBe(ip);
    expect(status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
  });

  it("whose container ends while its restarted kubelet can't reach the API is seen to have ended", async () => {
    await begin(16);
    const once = { restartPolicy: "Never" as const };
    await world.createPod("job", once, { "inkube.dev/simulated-exit-after-ms": "2000" });
    await world.createPod("web", {}, { "inkube.dev/simulated-exit-after-ms": "2000" });
    await world.untilPod("web", isReady);
    world.cutOffKubelet();
    world.killKubelet();
    await world.host.run(4_000);
    world.reconnectKubelet();
    await world.untilPod("job", ({ status }) => status?.phase === "Succeeded");
    await world.untilPod("web", ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
  });

  it("is Ready again after others said otherwise while a write of its kubelet was under way", async () => {
    await begin(17);
    await world.createPod("web", {});
    await world.untilPod("web", isReady);
    world.cutOffKubelet();
    // The restart of its container is news that says nothing of readiness.
    world.killRuntime();
    await world.host.run(15_000);
    await world.patchConditions("web", [{ type: "Ready", status: "False", reason: "NodeNotReady" }]);
    world.reconnectKubelet();
    await world.untilPod("web", (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
    await world.untilPod("web", isReady);
    const before = (await world.pod("web"))?.metadata?.resourceVersion;
    await world.host.run(60_000);
    expect((await world.pod("web"))?.metadata?.resourceVersion, "it is written once").toBe(before);
  });

  it("keeps the conditions of others, those included that come while its kubelet writes", async () => {
    await begin(18);
    await world.createPod("web", { readinessGates: [{ conditionType: "example.com/gate" }] });
    await world.untilPod("web", ({ status }) => status?.phase === "Running");
    const message = async () =>
      (await world.pod("web"))?.status?.conditions?.find(({ type }) => type === "Ready")?.message;
    expect(await message()).toBe('corresponding condition of pod readiness gate "example.com/gate" does not exist.');
    await world.patchConditions("web", [{ type: "example.com/gate", status: "False" }]);
    await world.host.run(100);
    expect(await message()).toBe('the status of pod readiness gate "example.com/gate" is not "True", but False');
    world.cutOffKubelet();
    world.killRuntime();
    await world.host.run(15_000);
    await world.patchConditions("web", [{ type: "example.com/gate", status: "True" }]);
    world.reconnectKubelet();
    await world.untilPod("web", isReady);
    const conditions = (await world.pod("web"))?.status?.conditions ?? [];
    expect(conditions.find(({ type }) => type === "example.com/gate")?.status).toBe("True");
  });

  it("that others have declared Failed is not brought back to life, and its containers are ended", async () => {
    await begin(19);
    await world.createPod("web", {});
    await world.untilPod("web", isReady);
    await world.failPod("web");
    await world.host.run(5_000);
    expect((await world.pod("web"))?.status).toMatchObject({ phase: "Failed", reason: "Lost" });
    const { containers } = await world.runtime();
    expect(containers.every(({ state }) => state === "CONTAINER_EXITED")).toBe(true);
  });

  it("that was deleted while the kubelet was dead is cleaned up by the next one", async () => {
    await begin(13);
    await world.createPod("web", {});
    await world.untilPod("web", isReady);
    world.killKubelet();
    await world.deletePod("web", 0);
    await world.createPod("next", {});
    await world.untilPod("next", isReady);
    await world.host.run(1_000);
    await world.createPod("again", {});
    await world.untilPod("again", isReady);
    expect(await world.pod("web")).toBeUndefined();
  });
});

describe("where the machine binds no address for each pod", () => {
  const refuse = (code: string): Promise<never> => Promise.reject(new InkubeError(code, "refused by the test"));
  /** As macOS: of loopback, only 127.0.0.1. */
  const onlyOneAddress = (net: Net): Net => ({
    connect: (address, options) => net.connect(address, options),
    listen: (address, onConnection) =>
      address.host === "127.0.0.1" ? net.listen(address, onConnection) : refuse("ADDRESS_NOT_AVAILABLE"),
  });
  /** As an ordinary user on Linux. */
  const noLowPorts = (net: Net): Net => ({
    connect: (address, options) => net.connect(address, options),
    listen: (address, onConnection) =>
      address.port > 0 && address.port < 1_024 ? refuse("PERMISSION_DENIED") : net.listen(address, onConnection),
  });
  const portsOf = async (name: string): Promise<Record<string, number>> =>
    JSON.parse((await world.pod(name))?.metadata?.annotations?.["inkube.dev/ports"] ?? "{}") as Record<string, number>;

  it("pods share 127.0.0.1, each on a port of its own that its annotation tells before it is Ready", async () => {
    await begin(14, {}, {}, onlyOneAddress);
    for (const name of ["one", "two"]) {
      await world.createPod(name, { containers: [{ ...WEB, readinessProbe: HTTP_PROBE }] });
      await world.untilPod(name, isReady);
      expect((await world.pod(name))?.status?.podIP).toBe("127.0.0.1");
    }
    expect(await portsOf("one")).toEqual({});
    expect((await portsOf("two"))["80"]).toBeGreaterThan(1_023);
  });

  it("a port that is refused is replaced by another on the pod's own address", async () => {
    await begin(15, {}, {}, noLowPorts);
    await world.createPod("web", { containers: [{ ...WEB, readinessProbe: HTTP_PROBE }] });
    await world.untilPod("web", isReady);
    expect((await world.pod("web"))?.status?.podIP).toBe("127.64.0.1");
    expect((await portsOf("web"))["80"]).toBeGreaterThan(1_023);
  });
});

it("a node holds nothing of the pods that it had", async () => {
  await begin(21);
  await world.createPod("stays", {});
  await world.untilPod("stays", isReady);
  const before = await world.held();
  const volumes = [
    { name: "data", emptyDir: {} },
    { name: "map", configMap: { name: "none", optional: true } },
  ];
  for (let round = 0; round < 20; round++) {
    const names = Array.from({ length: 10 }, (_, index) => `pod-${round}-${index}`);
    for (const [index, name] of names.entries()) {
      const ends = { restartPolicy: "Never" as const };
      await world.createPod(
        name,
        { containers: [{ ...WEB, readinessProbe: HTTP_PROBE }], volumes, ...(index % 3 === 0 ? ends : {}) },
        index % 3 === 0 ? { "inkube.dev/simulated-exit-after-ms": "20" } : {},
      );
    }
    await world.host.run(100);
    for (const name of names) await world.deletePod(name, round % 2 === 0 ? 0 : undefined);
    await world.until(async () => (await world.pods()).length === 1);
  }
  await world.host.run(1_000);
  expect(await world.held()).toEqual(before);
});

it("two runs of one seed leave the same trace", async () => {
  const digest = async (): Promise<string> => {
    await begin(20);
    await world.createPod("web", { containers: [{ ...WEB, readinessProbe: HTTP_PROBE }] });
    await world.untilPod("web", isReady);
    world.killKubelet();
    world.killRuntime();
    await world.host.run(5_000);
    return world.host.trace.digest;
  };
  expect(await digest()).toBe(await digest());
});
