/** What kube-controller-manager 1.37 makes of volumes, quotas and the rest, step by step, as `test/conformance/record-controllers.mjs` has recorded it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { play } from "../../conformance/controllers-case.mjs";
import type { Asked } from "../../conformance/workload-case.mjs";
import { ControlPlane } from "./control-plane.ts";
import { requestOf } from "./requests.ts";

interface Recorded {
  readonly name: string;
  readonly steps: readonly object[];
  readonly states: readonly object[];
}

const recorded = JSON.parse(
  readFileSync(new URL("../../conformance/recorded/controllers.json", import.meta.url), "utf8"),
) as readonly Recorded[];

const SETTLED_MS = 1_500;

describe("controllers", () => {
  it.each(recorded)("$name", async ({ steps, states }) => {
    // Pods of nodes that are not there stay: the recording was shorter than they do.
    const controllerManager = { podGcQuarantineMs: 86_400_000, rootCa: "authority" };
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
