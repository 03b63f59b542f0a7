import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Now, Operation, Step } from "../../../../../actors/kubelet/core/pod-worker.ts";
import { PodWorker } from "../../../../../actors/kubelet/core/pod-worker.ts";
import { LOST_CONTAINER } from "../../../../../protocols/container-runtime.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../../../../protocols/container-runtime.ts";
import type { Pod, PodSpec, RestartPolicy } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const OPTIONS = {
  hostIP: "127.32.0.1",
  crashBackOff: { baseMs: 10_000, maxMs: 300_000 },
  imageBackOff: { baseMs: 10_000, maxMs: 300_000 },
  retry: { baseMs: 50, maxMs: 5_000 },
  eagerProbeMs: 20,
};
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** A worker with a runtime that does what it is told when `settle` is called. */
class Bench {
  worker: PodWorker;
  nowMs = 0;
  readonly pending: Operation[] = [];
  readonly done: Operation[] = [];
  readonly containers = new Map<string, ContainerStatus>();
  last: Step | undefined;
  private ids = 0;

  constructor(spec: Partial<PodSpec> = {}, metadata: Pod["metadata"] = {}) {
    this.worker = new PodWorker(podOf(spec, metadata), OPTIONS, this.now);
  }

  get now(): Now {
    return { wallMs: EPOCH_MS + this.nowMs, monotonicMs: this.nowMs };
  }

  step(): Step {
    this.last = this.worker.step(this.now);
    this.pending.push(...this.last.operations);
    return this.last;
  }

  ops(): readonly string[] {
    return this.step().operations.map((operation) => describeOperation(operation));
  }

  /** Carries out what is pending, and what follows from it, without letting time pass. */
  settle(): void {
    for (let rounds = 0; rounds < 50; rounds++) {
      this.step();
      const operations = this.pending.splice(0);
      if (operations.length === 0) return;
      for (const operation of operations) this.carryOut(operation);
    }
    throw new Error("the worker does not come to rest");
  }

  carryOut(operation: Operation): void {
    this.done.push(operation);
    if (operation.op === "probe") return this.worker.probed(operation, "success", "", this.now);
    if (operation.op === "sandbox") this.worker.setSandbox(sandboxOf(operation.attempt));
    if (operation.op === "start") this.set(operation.container, operation.attempt, { state: "CONTAINER_RUNNING" });
    if (operation.op === "stop") this.exit(operation.container, 143);
    this.worker.succeeded(operation);
  }

  set(name: string, attempt: number, change: Partial<ContainerStatus>): void {
    const known = [...this.containers.values()].find(
      ({ metadata }) => metadata.name === name && metadata.attempt === attempt,
    );
    const status: ContainerStatus = {
      id: known?.id ?? `${name}-${attempt}-${++this.ids}`,
      podSandboxId: "s-0",
      metadata: { name, attempt },
      state: "CONTAINER_CREATED",
      createdAtMs: this.now.wallMs,
      startedAtMs: this.now.wallMs,
      finishedAtMs: 0,
      exitCode: 0,
      image: "web",
      imageRef: "sha256:0",
      reason: "",
      message: "",
      labels: {},
      annotations: {},
      logPath: "",
      reportsListening: true,
      listening: {},
      ...known,
      ...change,
    };
    this.containers.set(status.id, status);
    this.worker.setContainer(status, this.now);
  }

  exit(name: string, exitCode: number): void {
    const latest = [...this.containers.values()].filter(({ metadata }) => metadata.name === name).at(-1);
    const reason = exitCode === 0 ? "Completed" : "Error";
    const finishedAtMs = this.now.wallMs;
    this.set(name, latest?.metadata.attempt ?? 0, { state: "CONTAINER_EXITED", exitCode, reason, finishedAtMs });
  }

  change(spec: Partial<PodSpec>, metadata: Pod["metadata"] = {}): void {
    this.worker.setPod(podOf(spec, metadata));
  }

  /** The machine starts again: what was told is in the API, and the runtime knows of nothing. */
  reboot(): void {
    const { current } = this.worker;
    const status = this.step().status;
    this.pending.splice(0);
    this.containers.clear();
    this.nowMs += 60_000;
    this.worker = new PodWorker({ ...current, status }, OPTIONS, this.now);
    this.worker.replaceRuntime(undefined, [], this.now);
  }

  container(name = "main"): NonNullable<NonNullable<Step["status"]["containerStatuses"]>[number]> {
    const status = this.step().status;
    const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
    return all.find((one) => one.name === name)!;
  }
}

function podOf(spec: Partial<PodSpec>, metadata: Pod["metadata"]): Pod {
  return {
    metadata: { name: "web", namespace: "default", uid: "u-1", ...metadata },
    spec: { containers: [{ name: "main", image: "web" }], ...spec },
  };
}

function sandboxOf(attempt: number): PodSandboxStatus {
  return {
    id: `s-${attempt}`,
    metadata: { name: "web", namespace: "default", uid: "u-1", attempt },
    state: "SANDBOX_READY",
    createdAtMs: EPOCH_MS,
    network: { ip: "127.64.0.1", askedIp: "127.64.0.1" },
    hostname: "web",
    labels: {},
    annotations: {},
  };
}

function describeOperation(operation: Operation): string {
  switch (operation.op) {
    case "start":
      return `start ${operation.container} ${operation.attempt}`;
    case "stop":
      return `stop ${operation.container} ${operation.graceMs}`;
    case "probe":
      return `probe ${operation.kind} ${operation.container}`;
    case "volumes":
    case "sandbox":
    case "remove":
    case "cleanup":
    case "delete":
      return operation.op;
  }
}

const condition = (bench: Bench, type: string): string | undefined =>
  bench.step().status.conditions?.find((one) => one.type === type)?.status;

describe("a new pod", () => {
  it("gets volumes, then a sandbox, and then its containers at the same time", () => {
    const bench = new Bench({
      containers: [
        { name: "one", image: "web" },
        { name: "two", image: "web" },
      ],
      volumes: [{ name: "data", emptyDir: {} }],
    });
    for (const expected of ["volumes", "sandbox"]) {
      expect(bench.ops()).toEqual([expected]);
      expect(bench.ops()).toEqual([]);
      bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    }
    expect(bench.ops()).toEqual(["start one 0", "start two 0"]);
  });

  it("is Ready when all its containers run and none has a probe", () => {
    const bench = new Bench();
    expect(bench.step().status.phase).toBe("Pending");
    bench.settle();
    expect(bench.step().status.phase).toBe("Running");
    for (const type of ["PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled"]) {
      expect([type, condition(bench, type)]).toEqual([type, "True"]);
    }
  });

  it("keeps the time of a condition that has not changed", () => {
    const bench = new Bench();
    bench.settle();
    const ready = (): unknown => bench.step().status.conditions?.find(({ type }) => type === "Ready");
    const before = ready();
    bench.nowMs += 60_000;
    expect(ready()).toEqual(before);
  });
});

describe("a container that ended", () => {
  it.each([
    ["Always", 0, true],
    ["Always", 1, true],
    ["OnFailure", 0, false],
    ["OnFailure", 1, true],
    ["Never", 0, false],
    ["Never", 1, false],
  ] as const)("under %s with code %i is started again: %s", (restartPolicy, code, isRestarted) => {
    const bench = new Bench({ restartPolicy });
    bench.settle();
    bench.exit("main", code);
    expect(bench.ops()).toEqual(isRestarted ? ["start main 1"] : []);
    if (!isRestarted) expect(bench.step().status.phase).toBe(code === 0 ? "Succeeded" : "Failed");
  });

  it("waits 10 s, 20 s, … 300 s between restarts, and not at all again after ten quiet minutes", () => {
    const bench = new Bench();
    bench.settle();
    const waits: number[] = [];
    for (let crash = 0; crash < 8; crash++) {
      bench.exit("main", 1);
      const step = bench.step();
      waits.push(step.operations.length > 0 ? 0 : step.wakeInMs / 1_000);
      if (step.operations.length === 0) {
        expect(bench.container().state?.waiting?.reason).toBe("CrashLoopBackOff");
        bench.nowMs += step.wakeInMs;
      }
      bench.settle();
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    bench.nowMs += 601_000;
    bench.exit("main", 1);
    expect(bench.ops()).toEqual(["start main 9"]);
  });

  it("shows its last end while it waits and when it runs again", () => {
    const bench = new Bench();
    bench.settle();
    bench.exit("main", 3);
    bench.settle();
    expect(bench.container()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 3 } } });
    expect(bench.container().state?.running).toBeDefined();
  });

  it("is forgotten when two later attempts have been made", () => {
    const bench = new Bench();
    bench.settle();
    for (let crash = 0; crash < 3; crash++) {
      bench.exit("main", 1);
      bench.nowMs += 300_001;
      bench.settle();
    }
    const removed = bench.done.filter(({ op }) => op === "remove");
    expect(removed.length).toBe(2);
    expect(bench.worker.runtimeContainers.map(({ metadata }) => metadata.attempt)).toEqual([2, 3]);
  });
});

describe("a container that ended before its machine started again", () => {
  const two = (restartPolicy: RestartPolicy): Bench => {
    const containers = ["one", "other"].map((name) => ({ name, image: "web" }));
    const bench = new Bench({ restartPolicy, containers, initContainers: [{ name: "first", image: "web" }] });
    bench.settle();
    bench.exit("first", 0);
    bench.settle();
    return bench;
  };
  const startsIn = (bench: Bench): readonly string[] =>
    bench.done.flatMap((operation) => (operation.op === "start" ? [operation.container] : []));

  it.each<[RestartPolicy, number, string]>([
    ["Never", 0, "Succeeded"],
    ["Never", 7, "Failed"],
    ["OnFailure", 0, "Succeeded"],
  ])("is not run again, and its pod stays as it was told: %s, exit code %i", (restartPolicy, exitCode, phase) => {
    const bench = two(restartPolicy);
    bench.exit("one", exitCode);
    bench.exit("other", 0);
    bench.settle();
    const before = bench.step().status;
    expect(before.phase).toBe(phase);
    bench.reboot();
    const started = startsIn(bench).length;
    bench.settle();
    expect(startsIn(bench)).toHaveLength(started);
    expect(bench.step().status).toEqual(before);
  });

  it.each<[RestartPolicy, number, string]>([
    ["Never", 3, "Failed"],
    ["OnFailure", 0, "Succeeded"],
  ])("is not run again when another goes on: %s, exit code %i", (restartPolicy, exitCode, phase) => {
    const bench = two(restartPolicy);
    bench.exit("one", exitCode);
    bench.settle();
    const before = bench.container("one");
    expect(before.state?.terminated?.exitCode).toBe(exitCode);
    bench.reboot();
    const started = startsIn(bench).length;
    bench.settle();
    // The new sandbox is prepared anew.
    bench.exit("first", 0);
    bench.settle();
    expect(startsIn(bench).slice(started)).toEqual(["first", "other"]);
    expect(bench.container("one")).toEqual(before);
    expect(bench.step().status.phase).toBe("Running");
    bench.exit("other", 0);
    bench.settle();
    expect(bench.step().status.phase).toBe(phase);
  });

  it("is run again where its policy says so, and counts on", () => {
    const bench = two("OnFailure");
    bench.exit("one", 1);
    bench.step();
    bench.reboot();
    bench.settle();
    bench.exit("first", 0);
    bench.settle();
    expect(bench.container("one")).toMatchObject({ restartCount: 1, state: { running: {} } });
  });
});

describe("probes", () => {
  const probe = { httpGet: { port: 80 }, periodSeconds: 10, failureThreshold: 2 };
  const answer = (bench: Bench, isSuccess: boolean): void => {
    for (const operation of bench.pending.splice(0)) {
      if (operation.op === "probe")
        bench.worker.probed(operation, isSuccess ? "success" : "failure", "refused", bench.now);
      else bench.carryOut(operation);
    }
  };
  const running = (container: object): Bench => {
    const bench = new Bench({ containers: [{ name: "main", image: "web", ...container }] });
    bench.step();
    answer(bench, true);
    bench.step();
    answer(bench, true);
    return bench;
  };

  it("asks for readiness at once, eagerly until the first success, and then in its period", () => {
    const bench = running({ readinessProbe: probe });
    expect(bench.ops()).toEqual(["probe readiness main"]);
    answer(bench, false);
    expect(condition(bench, "Ready")).toBe("False");
    const wakes: number[] = [];
    for (let tries = 0; tries < 3; tries++) {
      const { wakeInMs } = bench.step();
      wakes.push(wakeInMs);
      bench.nowMs += wakeInMs;
      expect(bench.ops()).toEqual(["probe readiness main"]);
      answer(bench, tries === 2);
    }
    expect(wakes).toEqual([20, 40, 80]);
    expect(condition(bench, "Ready")).toBe("True");
    expect(bench.step().wakeInMs).toBe(10_000 - 140);
  });

  it("makes a container unready after so many failures in a row", () => {
    const bench = running({ readinessProbe: probe });
    bench.step();
    answer(bench, true);
    for (const expected of ["True", "False"]) {
      bench.nowMs += 10_000;
      bench.step();
      answer(bench, false);
      expect(condition(bench, "Ready")).toBe(expected);
    }
    bench.nowMs += 10_000;
    bench.step();
    answer(bench, true);
    expect(condition(bench, "Ready")).toBe("True");
  });

  it("restarts a container whose liveness fails so often, with the probe's own grace period", () => {
    const bench = running({ livenessProbe: { ...probe, terminationGracePeriodSeconds: 7 } });
    bench.step();
    answer(bench, false);
    bench.nowMs += 10_000;
    bench.step();
    answer(bench, false);
    expect(bench.ops()).toEqual(["stop main 7000"]);
    expect(condition(bench, "Ready")).toBe("False");
    bench.settle();
    expect(bench.container().restartCount).toBe(1);
  });

  it("that can't be carried out say nothing about the container", () => {
    const bench = running({ livenessProbe: probe });
    for (let tries = 0; tries < 5; tries++) {
      bench.step();
      for (const operation of bench.pending.splice(0)) {
        if (operation.op === "probe") bench.worker.probed(operation, "unknown", "no exec in a thread", bench.now);
      }
      bench.nowMs += 10_000;
    }
    expect(bench.ops()).toEqual(["probe liveness main"]);
    expect(bench.container().restartCount).toBe(0);
  });

  it("waits with the others for the startup probe", () => {
    const bench = running({
      startupProbe: { ...probe, failureThreshold: 30 },
      livenessProbe: probe,
      readinessProbe: probe,
    });
    expect(bench.ops()).toEqual(["probe startup main"]);
    answer(bench, false);
    expect(bench.container().started).toBe(false);
    bench.nowMs += 20;
    bench.step();
    answer(bench, true);
    expect(bench.ops()).toEqual(["probe readiness main", "probe liveness main"]);
  });

  it("takes a container that was ready before the kubelet came as ready", () => {
    const bench = running({ readinessProbe: probe });
    bench.step();
    answer(bench, true);
    const { status } = bench.step();
    const next = new Bench();
    next.worker = new PodWorker(
      { ...podOf({ containers: [{ name: "main", image: "web", readinessProbe: probe }] }, {}), status },
      OPTIONS,
      next.now,
    );
    next.worker.replaceRuntime(sandboxOf(0), [...bench.containers.values()], next.now);
    expect(condition(next, "Ready")).toBe("True");
    expect(next.done).toEqual([]);
  });
});

describe("init containers", () => {
  const init = [
    { name: "one", image: "web" },
    { name: "two", image: "web" },
  ];

  it("run one after the other, and the others after them", () => {
    const bench = new Bench({ initContainers: init });
    bench.settle();
    expect(bench.worker.runtimeContainers.map(({ metadata }) => metadata.name)).toEqual(["one"]);
    bench.exit("one", 0);
    bench.settle();
    bench.exit("two", 0);
    expect(condition(bench, "Initialized")).toBe("True");
    bench.settle();
    expect(bench.container().state?.running).toBeDefined();
  });

  it("that fail are tried again, or fail the pod where nothing restarts", () => {
    const again = new Bench({ initContainers: init });
    again.settle();
    again.exit("one", 1);
    expect(again.ops()).toContain("start one 1");
    const never = new Bench({ initContainers: init, restartPolicy: "Never" });
    never.settle();
    never.exit("one", 1);
    expect(never.step().status.phase).toBe("Failed");
    expect(never.ops()).toEqual([]);
  });

  it("with restartPolicy Always go on beside the others and end after them", () => {
    const sidecar = { name: "side", image: "web", restartPolicy: "Always" };
    const bench = new Bench({ initContainers: [sidecar] });
    bench.settle();
    expect(condition(bench, "Ready")).toBe("True");
    bench.change({ initContainers: [sidecar] }, { deletionTimestamp: "2026-01-01T00:00:30Z" });
    expect(bench.ops()).toEqual(["stop main 30000"]);
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    expect(bench.ops()).toEqual(["stop side 30000"]);
  });
});

describe("a container's own restart policy", () => {
  const rule = (operator: string, ...values: readonly number[]) => ({
    action: "Restart",
    exitCodes: { operator, values },
  });
  it.each([
    ["Never", [], 1, "Always", false],
    ["OnFailure", [], 0, "Always", false],
    ["OnFailure", [], 1, "Never", true],
    ["Always", [], 0, "Never", true],
    ["Never", [rule("In", 42)], 42, "Never", true],
    ["Never", [rule("In", 42)], 43, "Never", false],
    ["Never", [rule("NotIn", 42)], 43, "Never", true],
    ["OnFailure", [rule("NotIn", 1)], 1, "Never", true],
  ] as const)(
    "%s with the rules %j, code %i, in a pod that says %s: restarted %s",
    (own, rules, code, ofPod, again) => {
      const main = { name: "main", image: "web", restartPolicy: own, restartPolicyRules: rules };
      const bench = new Bench({ restartPolicy: ofPod, containers: [main] });
      bench.settle();
      bench.exit("main", code);
      expect(bench.ops()).toEqual(again ? ["start main 1"] : []);
      if (!again) expect(bench.step().status.phase).toBe(code === 0 ? "Succeeded" : "Failed");
    },
  );

  it("Never for an init container fails the pod with it, whatever the pod says", () => {
    const bench = new Bench({ initContainers: [{ name: "one", image: "web", restartPolicy: "Never" }] });
    bench.settle();
    bench.exit("one", 1);
    expect(bench.ops()).toEqual([]);
    expect(bench.step().status.phase).toBe("Failed");
  });

  it("leaves the others of its pod as they are", () => {
    const once = { name: "once", image: "web", restartPolicy: "Never" };
    const bench = new Bench({ containers: [once, { name: "main", image: "web" }] });
    bench.settle();
    bench.exit("once", 1);
    bench.settle();
    expect(bench.step().status.phase).toBe("Running");
    expect(bench.container("once").state?.terminated?.exitCode).toBe(1);
  });
});

describe("ephemeral containers", () => {
  const debug = { name: "debug", image: "web" };

  it("run once beside the others, are shown apart, and count neither for the phase nor for readiness", () => {
    const bench = new Bench();
    bench.settle();
    bench.change({ ephemeralContainers: [debug] });
    expect(bench.ops()).toEqual(["start debug 0"]);
    bench.settle();
    bench.settle();
    expect(bench.step().status.ephemeralContainerStatuses?.[0]).toMatchObject({ name: "debug", ready: false });
    expect(bench.step().status.containerStatuses?.length).toBe(1);
    bench.exit("debug", 1);
    expect(bench.ops()).toEqual([]);
    expect(condition(bench, "Ready")).toBe("True");
    expect(bench.step().status.phase).toBe("Running");
  });

  it("end with their pod", () => {
    const bench = new Bench({ ephemeralContainers: [debug] });
    bench.settle();
    bench.change({ ephemeralContainers: [debug] }, { deletionTimestamp: "2026-01-01T00:00:30Z" });
    expect([...bench.ops()].sort()).toEqual(["stop debug 30000", "stop main 30000"]);
  });
});

describe("volumes", () => {
  const volumes = [{ name: "v", secret: { secretName: "s" } }];

  it("are filled before there is a sandbox, and until then the pod is not ready to start containers", () => {
    const bench = new Bench({ volumes });
    expect(bench.ops()).toEqual(["volumes"]);
    expect(condition(bench, "PodReadyToStartContainers")).toBe("False");
    bench.settle();
    expect(condition(bench, "PodReadyToStartContainers")).toBe("True");
  });

  it("are not removed while they are being written", () => {
    const bench = new Bench({ volumes });
    bench.settle();
    bench.worker.sourcesChanged(true);
    expect(bench.ops()).toEqual(["volumes"]);
    bench.exit("main", 0);
    bench.change({ volumes }, { deletionTimestamp: "2026-01-01T00:00:30Z" });
    expect(bench.ops()).toEqual([]);
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    expect(bench.ops()).toEqual(["cleanup"]);
  });

  it("are filled again when what they hold has changed meanwhile", () => {
    const bench = new Bench({ volumes });
    bench.settle();
    bench.worker.sourcesChanged(true);
    expect(bench.ops()).toEqual(["volumes"]);
    bench.worker.sourcesChanged(true);
    expect(bench.ops()).toEqual([]);
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    expect(bench.ops()).toEqual(["volumes"]);
  });

  it("of the downward API follow the pod's labels and annotations", () => {
    const spec = { volumes: [{ name: "v", downwardAPI: {} }] };
    const bench = new Bench(spec, { labels: { a: "1" } });
    bench.settle();
    bench.change(spec, { labels: { a: "1" } });
    expect(bench.ops()).toEqual([]);
    bench.change(spec, { labels: { a: "2" } });
    expect(bench.ops()).toEqual(["volumes"]);
  });

  it("that can't be brought up to date don't keep a container from its restart", () => {
    const bench = new Bench({ volumes });
    bench.settle();
    bench.worker.sourcesChanged(true);
    bench.step();
    const [filling] = bench.pending.splice(0);
    bench.worker.failed(filling!, { code: "POD_CONFIG", message: "gone" }, bench.now);
    bench.exit("main", 1);
    expect(bench.ops()).toEqual(["start main 1"]);
  });
});

describe("the end of a pod", () => {
  const deletion = { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 5 };

  it("stops its containers, cleans up, and takes it out of the API, in that order", () => {
    const bench = new Bench();
    bench.settle();
    bench.change({}, deletion);
    expect(bench.ops()).toEqual(["stop main 5000"]);
    bench.settle();
    expect(bench.done.slice(-3).map(({ op }) => op)).toEqual(["stop", "cleanup", "delete"]);
    expect(bench.step().isFinished).toBe(true);
    expect(bench.step().status.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(143);
  });

  it("shortens the time of a container when less is granted, and never lengthens it", () => {
    const bench = new Bench();
    bench.settle();
    bench.change({}, deletion);
    expect(bench.ops()).toEqual(["stop main 5000"]);
    bench.change({}, { ...deletion, deletionGracePeriodSeconds: 60 });
    expect(bench.ops()).toEqual([]);
    bench.change({}, { ...deletion, deletionGracePeriodSeconds: 0 });
    expect(bench.ops()).toEqual(["stop main 0"]);
  });

  it("waits for a container that is being started, and then stops it", () => {
    const bench = new Bench();
    bench.step();
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    expect(bench.ops()).toEqual(["start main 0"]);
    bench.change({}, deletion);
    expect(bench.ops()).toEqual([]);
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    expect(bench.ops()).toEqual(["stop main 5000"]);
  });

  it("needs no deletion when the pod is gone from the API already", () => {
    const bench = new Bench();
    bench.settle();
    bench.worker.remove();
    bench.settle();
    expect(bench.done.map(({ op }) => op)).not.toContain("delete");
    expect(bench.step().isFinished).toBe(true);
  });

  it("comes by activeDeadlineSeconds, too", () => {
    const bench = new Bench({ activeDeadlineSeconds: 5 });
    bench.settle();
    expect(bench.step().wakeInMs).toBe(5_000);
    bench.nowMs += 5_000;
    bench.settle();
    expect(bench.step().status).toMatchObject({ phase: "Failed", reason: "DeadlineExceeded" });
    expect(bench.step().isFinished).toBe(false);
  });
});

describe("eviction", () => {
  it("fails the pod, gives its containers a second, and tells that it was for the node's sake", () => {
    const bench = new Bench({ terminationGracePeriodSeconds: 600 });
    bench.settle();
    expect(bench.worker.isActive).toBe(true);
    bench.worker.evict("no memory");
    expect(bench.worker.isActive).toBe(false);
    const { operations, status, events } = bench.step();
    expect(operations).toMatchObject([{ op: "stop", container: "main", graceMs: 1_000 }]);
    expect(events).toContainEqual({ type: "Warning", reason: "Evicted", message: "no memory" });
    expect(status).toMatchObject({ phase: "Failed", reason: "Evicted", message: "no memory" });
    expect(status.conditions).toContainEqual(
      expect.objectContaining({
        type: "DisruptionTarget",
        status: "True",
        reason: "TerminationByKubelet",
        message: "no memory",
      }),
    );
    bench.settle();
    // It stays, as what has become of it, and is not started again.
    expect(bench.step()).toMatchObject({ isFinished: false, operations: [], status: { phase: "Failed" } });
  });

  it("of a pod that the node does not take comes before anything of it is started", () => {
    const bench = new Bench();
    bench.worker.reject("not here");
    const { operations, status } = bench.step();
    expect(operations).toEqual([]);
    expect(status).toMatchObject({ phase: "Failed", reason: "Evicted", message: "not here" });
    expect(status.conditions?.map(({ type }) => type)).not.toContain("DisruptionTarget");
  });
});

describe("failures", () => {
  it("of a pull show as ErrImagePull, then as ImagePullBackOff, and are tried again", () => {
    const bench = new Bench();
    bench.step();
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    bench.step();
    const [start] = bench.pending.splice(0);
    bench.worker.failed(start!, { code: "IMAGE_NOT_FOUND", message: "no image" }, bench.now);
    expect(bench.container().state?.waiting).toEqual({ reason: "ErrImagePull", message: "no image" });
    bench.nowMs += bench.step().wakeInMs;
    expect(bench.container().state?.waiting?.reason).toBe("ImagePullBackOff");
    bench.nowMs += bench.step().wakeInMs;
    expect(bench.ops()).toEqual(["start main 0"]);
    expect(bench.nowMs).toBe(10_000);
  });

  it.each([
    ["IMAGE_NEVER_PULLED", "ErrImageNeverPull"],
    ["INVALID_IMAGE_NAME", "InvalidImageName"],
  ])("of a pull that was not tried (%s) show as %s all the time", (code, reason) => {
    const bench = new Bench();
    bench.step();
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    bench.step();
    const [start] = bench.pending.splice(0);
    bench.worker.failed(start!, { code, message: "no image" }, bench.now);
    for (let seconds = 0; seconds < 5; seconds++) {
      expect(bench.container().state?.waiting).toEqual({ reason, message: "no image" });
      bench.nowMs += 1_000;
    }
  });

  it("of configuration are tried again at once when an object it names has changed", () => {
    const bench = new Bench();
    bench.step();
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    bench.step();
    const [start] = bench.pending.splice(0);
    bench.worker.failed(start!, { code: "POD_CONFIG", message: "configmap missing" }, bench.now);
    expect(bench.container().state?.waiting?.reason).toBe("CreateContainerConfigError");
    expect(bench.ops()).toEqual([]);
    bench.worker.sourcesChanged(false);
    expect(bench.ops()).toEqual(["start main 0"]);
  });

  it("old news of a container never bring it back to life", () => {
    const bench = new Bench({ restartPolicy: "Never" });
    bench.settle();
    const running = [...bench.containers.values()][0]!;
    bench.exit("main", 0);
    bench.worker.setContainer(running, bench.now);
    expect(bench.step().status.phase).toBe("Succeeded");
  });
});

it("whatever happens, a pod that is left alone comes to rest: running, ended, or waiting for a known time", () => {
  const event = fc.constantFrom("step", "settle", "exit0", "exit1", "fail", "time", "lose", "delete" as const);
  fc.assert(
    fc.property(
      fc.constantFrom("Always", "OnFailure", "Never" as const),
      fc.array(event, { maxLength: 40 }),
      (policy, script) => {
        const bench = new Bench({ restartPolicy: policy });
        let isDeleted = false;
        for (const what of script) {
          switch (what) {
            case "step":
              bench.step();
              break;
            case "settle":
              bench.settle();
              break;
            case "exit0":
            case "exit1":
              if (bench.worker.runtimeContainers.some(({ state }) => state === "CONTAINER_RUNNING")) {
                bench.exit("main", what === "exit0" ? 0 : 1);
              }
              break;
            case "fail": {
              const operation = bench.pending.shift();
              if (operation !== undefined && operation.op !== "probe") {
                bench.worker.failed(operation, { code: "ACTOR_DOWN", message: "down" }, bench.now);
              }
              break;
            }
            case "time":
              bench.nowMs += 15_000;
              break;
            case "lose":
              // The runtime has died: all that ran has ended.
              bench.pending.splice(0).forEach((operation) => {
                if (operation.op !== "probe")
                  bench.worker.failed(operation, { code: "ACTOR_DOWN", message: "down" }, bench.now);
              });
              if (bench.worker.runtimeContainers.some(({ state }) => state === "CONTAINER_RUNNING"))
                bench.exit("main", 137);
              break;
            case "delete":
              isDeleted = true;
              bench.change(
                { restartPolicy: policy },
                { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 1 },
              );
              break;
          }
          // Never two of one container at a time.
          const running = bench.worker.runtimeContainers.filter(({ state }) => state === "CONTAINER_RUNNING");
          expect(running.length).toBeLessThanOrEqual(1);
        }
        for (let rounds = 0; rounds < 20; rounds++) {
          bench.settle();
          const { wakeInMs } = bench.step();
          if (wakeInMs === Number.POSITIVE_INFINITY) break;
          bench.nowMs += wakeInMs;
        }
        const { status, isFinished } = bench.step();
        if (isDeleted) expect(isFinished).toBe(true);
        else expect(["Running", "Succeeded", "Failed"]).toContain(status.phase);
      },
    ),
    { numRuns: 300 },
  );
});

it("a container that its runtime took along starts again without a back-off, however often", () => {
  const bench = new Bench();
  bench.settle();
  for (let death = 1; death <= 4; death++) {
    const finishedAtMs = bench.now.wallMs;
    bench.set("main", death - 1, { state: "CONTAINER_EXITED", exitCode: 137, reason: LOST_CONTAINER, finishedAtMs });
    expect(bench.ops()).toEqual([`start main ${death}`]);
    bench.pending.splice(0).forEach((operation) => bench.carryOut(operation));
    bench.settle();
  }
});
