/** Schedules of faults with probes, on a simulated cluster: the verdicts, and what they rest on. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runLive } from "../../../actors/cluster/chaos/live/live-run.ts";
import type { LiveOptions, LiveReport } from "../../../actors/cluster/chaos/live/live-run.ts";
import type { ChaosSchedule } from "../../../actors/cluster/chaos/live/schedule.ts";
import { checkSchedule } from "../../../actors/cluster/chaos/live/schedule.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { deployments, services } from "../../../actors/client/resources.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const LABELS = { app: "web" };
const LIMIT_MS = 600_000;

let cluster: SimulatedCluster;
let lines: string[] = [];

beforeEach(async () => {
  lines = [];
  cluster = new SimulatedCluster({
    seed: 3,
    masters: 1,
    workers: 2,
    faults: { faults: [] },
    onFault: (fault, what) => onFault?.(fault, what),
  });
  watchCrashes(cluster.host);
  await cluster.start();
  await cluster.run(async () => {
    const container = { name: "web", image: "nginx", ports: [{ containerPort: 80 }] };
    const template = { metadata: { labels: LABELS }, spec: { containers: [container] } };
    const spec = { replicas: 3, selector: { matchLabels: LABELS }, template };
    const metadata = { name: "web", namespace: "default" };
    await cluster.client.create(services, {
      metadata,
      spec: { selector: LABELS, ports: [{ name: "http", port: 80 }] },
    });
    await cluster.client.create(deployments, { metadata, spec });
  }, LIMIT_MS);
});
afterEach(() => cluster.host.stop());

let onFault: Parameters<Parameters<typeof runLive>[0]["applyFaults"]>[1] | undefined;

function live(schedule: ChaosSchedule, options: LiveOptions = {}): Promise<LiveReport> {
  const home: Parameters<typeof runLive>[0] = {
    ctx: cluster.host.context,
    client: cluster.client,
    applyFaults: (plan, told) => {
      onFault = told;
      cluster.host.applyFaults(plan);
      return {
        refresh: () => undefined,
        settled: () => Promise.resolve(),
        stop: () => Promise.resolve(cluster.host.endFaults()),
      };
    },
  };
  const told = { onLine: (line: string) => void lines.push(line), ...options };
  return cluster.run(() => runLive(home, checkSchedule(schedule), told), LIMIT_MS);
}

const KILL = { id: "kill", kind: "pod-kill", pod: "default/web-*", everyMs: 5_000, forMs: 20_000 } as const;
const ANSWERS = { name: "web answers", get: { service: "default/web", port: "http" } } as const;
const READY = { name: "three are ready", ready: { target: "deployment/web", least: 3 } } as const;

describe("a schedule", () => {
  it("holds when the steady state does what it must, during the faults and after", async () => {
    const report = await live({ faults: [KILL], probes: [ANSWERS, { ...READY, during: 0 }] });
    expect(report).toMatchObject({ verdict: "holds", reasons: [] });
    const [answers, ready] = report.probes;
    expect(answers).toMatchObject({ name: "web answers", looks: 20, held: 20 });
    // Containers that are killed are told of: or nothing would have been broken.
    expect(ready?.held).toBeLessThan(20);
    expect(report.struck.filter(({ what }) => what.startsWith("kills default/web-"))).toHaveLength(4);
    expect(lines.map((line) => line.replace(/^ *[\d.]+ s {2}/, ""))).toEqual(
      expect.arrayContaining(["during: the steady state holds; faults for 20.0 s", "probe web answers holds"]),
    );
  });

  it("finds a steady state that does not hold as often as it must", async () => {
    const report = await live({ faults: [KILL], probes: [READY] });
    expect(report.verdict).toBe("found");
    expect(report.reasons).toEqual([
      expect.stringMatching(
        /^three are ready held at \d+ of 20 looks during the faults, less than 100 %; first after [\d.]+ s: 2 of 3 are ready$/,
      ),
    ]);
    expect(report.healedAfterMs).toBeDefined();
  });

  it("finds a steady state that does not come back", async () => {
    const flip = {
      id: "flip",
      kind: "object-flip",
      of: "deployments.apps/default/web",
      field: "spec.replicas",
      to: 1,
    } as const;
    const report = await live({ faults: [flip], probes: [{ ...READY, during: 0 }], forMs: 3_000, healMs: 5_000 });
    expect(report.verdict).toBe("found");
    expect(report.reasons).toEqual(["three are ready did not hold 5.0 s after the faults: 1 of 3 are ready"]);
    expect(report.probes[0]).toMatchObject({ failsInTheEnd: "1 of 3 are ready" });
  });

  it("breaks nothing when there is no steady state to begin with", async () => {
    const report = await live({
      faults: [KILL],
      probes: [ANSWERS, { name: "db is there", ready: { target: "deployment/db", least: 1 } }],
      steadyMs: 3_000,
    });
    expect(report).toMatchObject({ verdict: "unsteady", struck: [] });
    expect(report.reasons).toEqual([
      'db is there did not hold before anything was broken: deployments.apps "db" not found',
    ]);
  });

  it("asks what a function says, and takes what it throws for a no", async () => {
    let asked = 0;
    const holds = (): boolean => {
      if (++asked === 3) throw new Error("no idea");
      return true;
    };
    const report = await live({ faults: [KILL], probes: [{ name: "code", holds }], forMs: 4_000 });
    expect(report.verdict).toBe("found");
    expect(report.probes).toMatchObject([{ looks: 4, held: 3, firstFailure: { why: "no idea" } }]);
  });

  it("that is called off ends its faults at once", async () => {
    const off = new AbortController();
    const lost = { id: "loss", kind: "node-loss", at: "worker-1" } as const;
    const onLine = (line: string): void => {
      if (line.includes("hits worker-1")) off.abort();
    };
    const report = await live(
      { faults: [lost], probes: [{ ...ANSWERS, during: 0 }], forMs: 500_000 },
      { onLine, signal: off.signal },
    );
    expect(report.verdict).toBe("stopped");
    expect(report.struck.map(({ what }) => what)).toEqual(["hits worker-1", "lets worker-1 come back"]);
    await cluster.run(() => cluster.nodesReady(2), LIMIT_MS);
  });
});
