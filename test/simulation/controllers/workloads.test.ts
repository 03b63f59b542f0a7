/** What kube-controller-manager 1.37 makes of StatefulSets and DaemonSets, step by step, as `test/conformance/record-workloads.mjs` has recorded it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Asked } from "../../conformance/workload-case.mjs";
import { play } from "../../conformance/workload-case.mjs";
import { ControlPlane } from "./control-plane.ts";
import { requestOf } from "./requests.ts";

interface Recorded {
  readonly name: string;
  readonly steps: readonly object[];
  readonly states: readonly object[];
}

const recorded = JSON.parse(
  readFileSync(new URL("../../conformance/recorded/workloads.json", import.meta.url), "utf8"),
) as readonly Recorded[];

/** Longer than a failed pod of a node stays. */
const SETTLED_MS = 1_500;
const NEVER_MS = 86_400_000;

describe("workloads", () => {
  it.each(recorded)("$name", async ({ steps, states }) => {
    // Nodes without a kubelet are not missed.
    const controllerManager = { nodeMonitorGraceMs: NEVER_MS, nodeStartupGraceMs: NEVER_MS };
    const plane = new ControlPlane({ seed: 1, workers: 0, controllerManager });
    await plane.start();
    const namespace = "situation";
    const api = {
      ask: (asked: Asked): Promise<KubernetesObject> => plane.do((client) => client.request(requestOf(asked))),
      settle: (): Promise<void> => plane.host.run(SETTLED_MS),
    };
    await api.ask({
      verb: "create",
      target: { group: "", version: "v1", resource: "namespaces" },
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    });
    await api.settle();
    expect(await play({ namespace, steps }, api)).toEqual(states);
  });
});
