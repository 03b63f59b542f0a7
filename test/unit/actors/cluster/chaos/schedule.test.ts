import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { checkSchedule } from "../../../../../actors/cluster/chaos/live/schedule.ts";
import type { Fault } from "../../../../../runtime/faults/plan.ts";

const FAULT = { id: "full", kind: "disk-full", at: "etcd-0", forMs: 5_000 };
const PROBE = { name: "web", get: { service: "default/web" } };
const GOOD = { faults: [FAULT], probes: [PROBE] };

/** What is wrong, the schedule, and what is said of it. */
const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ["no object", [], "it is no object (allowed: { faults: […], probes: […] })"],
  ["a misspelt field", { ...GOOD, steadMs: 1 }, "steadMs: a schedule has no such field; did you mean steadyMs?"],
  ["no probe", { ...GOOD, probes: [] }, "probes: it is [] (allowed: a list of at least one probe)"],
  ["no fault", { ...GOOD, faults: [] }, "faults: it is [] (allowed: a list of faults)"],
  ["no pause between looks", { ...GOOD, everyMs: 0 }, "everyMs: it is 0 (allowed: a number of milliseconds from 1"],
  [
    "a fault without an end, and none for all",
    { ...GOOD, faults: [{ ...FAULT, forMs: undefined }] },
    "forMs: it is missing, and the fault full has no end of its own",
  ],
  [
    "a node that is lost for ever",
    { ...GOOD, faults: [{ id: "loss", kind: "node-loss", at: "worker-0" }] },
    "forMs: it is missing, and the fault loss has no end of its own",
  ],
  ["a probe that is a text", { ...GOOD, probes: ["web"] }, "probes[0]: it is no object"],
  [
    "a probe of nothing",
    { ...GOOD, probes: [{ name: "web" }] },
    "probes[0]: it looks at nothing (allowed: one of get,",
  ],
  [
    "a probe of two things",
    { ...GOOD, probes: [{ ...PROBE, ready: { target: "deploy/web", least: 1 } }] },
    "probes[0]: it has get and ready",
  ],
  ["a probe without a name", { ...GOOD, probes: [{ get: PROBE.get }] }, "probes[0].name: it is missing"],
  ["two probes of one name", { ...GOOD, probes: [PROBE, PROBE] }, "probes[1].name: an earlier probe has it too"],
  ["too great a share", { ...GOOD, probes: [{ ...PROBE, during: 2 }] }, "probes[0].during: it is 2 (allowed: a number"],
  [
    "a Service of no namespace",
    { ...GOOD, probes: [{ ...PROBE, get: { service: "web" } }] },
    'probes[0].get.service: it is "web" (allowed: a namespace and a name, as default/web)',
  ],
  [
    "a misspelt field of a probe",
    { ...GOOD, probes: [{ ...PROBE, get: { service: "default/web", timeotMs: 80 } }] },
    "probes[0].get.timeotMs: a get has no such field; did you mean timeoutMs?",
  ],
  [
    "a function that is a text",
    { ...GOOD, probes: [{ name: "web", holds: "true" }] },
    'probes[0].holds: it is "true" (allowed: a function)',
  ],
];

describe("a schedule of chaos", () => {
  it.each(REFUSED)("with %s is refused by name", (_what, schedule, said) => {
    expect(() => checkSchedule(schedule)).toThrow(
      expect.objectContaining({ code: "INVALID_CHAOS_SCHEDULE", message: expect.stringContaining(said) as string }),
    );
  });

  it.each<[string, readonly Fault[], number]>([
    ["of the last of its faults", [{ ...FAULT, fromMs: 1_000 } as Fault, FAULT as Fault], 6_000],
    ["of what happens once", [{ id: "a", kind: "pod-kill", pod: "default/web", fromMs: 3_000 }], 3_000],
    [
      "of a node that comes back",
      [{ id: "a", kind: "node-loss", at: "*", downMs: 9_000, everyMs: 50, forMs: 100 }],
      9_100,
    ],
  ])("lasts until the end %s", (_what, faults, forMs) => {
    expect(checkSchedule({ faults, probes: [PROBE] })).toMatchObject({ forMs, steadyMs: 30_000, healMs: 60_000 });
  });

  it("does not know its end where a fault waits for something", () => {
    const faults = [{ id: "kill", kind: "pod-kill", pod: "default/web", when: { on: "write" } }];
    expect(() => checkSchedule({ faults, probes: [PROBE] })).toThrow("the fault kill has no end of its own");
  });

  it("says itself how long it lasts, whatever its faults are", () => {
    const when = { on: "write" } as const;
    const faults = [{ id: "busy", kind: "api-error", status: 500, by: "*", when }];
    expect(checkSchedule({ faults, probes: [PROBE], forMs: 7 })).toMatchObject({ forMs: 7 });
  });
});

it("the example is one", () => {
  const file = new URL("../../../../examples/chaos/live.yaml", import.meta.url);
  expect(checkSchedule(parse(readFileSync(file, "utf8")))).toMatchObject({ forMs: 40_000 });
});
