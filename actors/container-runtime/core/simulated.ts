/**
 * What a simulated container does, from annotations of its pod. All times are milliseconds after the container's start.
 *
 * | annotation `inkube.dev/` | meaning |
 * | --- | --- |
 * | `simulated-start-ms` | how long the start itself takes |
 * | `simulated-exit-after-ms` | ends by itself then; without it, it runs until it is stopped |
 * | `simulated-exit-code` | with that code; 0 |
 * | `simulated-stop-ms` | how long it takes to end after SIGTERM; -1: ignores SIGTERM |
 * | `simulated-ready-after-ms` | until then its HTTP answers are 503 and its exec probes fail |
 * | `simulated-unready-after-ms` | from then on they are and do again |
 *
 * A name may be followed by `.<container>` to mean one container of the pod only.
 */
export interface SimulatedPlan {
  readonly startMs: number;
  readonly exitAfterMs: number | undefined;
  readonly exitCode: number;
  readonly stopMs: number;
  readonly readyAfterMs: number;
  readonly unreadyAfterMs: number;
}

export function simulatedPlan(
  annotations: Readonly<Record<string, string>>,
  container: string,
  defaults: { readonly startMs: number },
): SimulatedPlan {
  const read = (name: string): number | undefined => {
    const text = annotations[`inkube.dev/${name}.${container}`] ?? annotations[`inkube.dev/${name}`];
    const value = text === undefined ? Number.NaN : Number(text);
    return Number.isFinite(value) ? value : undefined;
  };
  return {
    startMs: read("simulated-start-ms") ?? defaults.startMs,
    exitAfterMs: read("simulated-exit-after-ms"),
    exitCode: read("simulated-exit-code") ?? 0,
    stopMs: read("simulated-stop-ms") ?? 0,
    readyAfterMs: read("simulated-ready-after-ms") ?? 0,
    unreadyAfterMs: read("simulated-unready-after-ms") ?? Number.POSITIVE_INFINITY,
  };
}

/** Whether the container, `ranMs` after its start, answers well. */
export function isWell(plan: SimulatedPlan, ranMs: number): boolean {
  return ranMs >= plan.readyAfterMs && ranMs < plan.unreadyAfterMs;
}
