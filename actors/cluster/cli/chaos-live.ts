/** `inkube chaos live`: takes a cluster that runs through a schedule of faults, and tells whether its steady state came back. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { parse } from "yaml";
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import { isYamlTooDeep } from "../../../protocols/kubernetes/yaml-depth.ts";
import type { LiveReport, LiveVerdict } from "../chaos/live/live-run.ts";
import { textOfLive } from "../chaos/live/live-run.ts";
import type { ChaosSchedule, FullSchedule } from "../chaos/live/schedule.ts";
import { checkSchedule } from "../chaos/live/schedule.ts";
import type { WishState } from "../chaos/live/wish.ts";
import { WISH } from "../chaos/live/wish.ts";
import type { Api } from "./api.ts";
import { milliseconds } from "./arguments.ts";
import { EXIT_CODES } from "./chaos-exit-codes.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";

interface LiveOptions extends ConnectOptions {
  readonly plan?: string;
  readonly for?: string;
}

/** Between two looks at how far the cluster is. */
const LOOK_MS = 200;
/** Beyond what the schedule takes: the looks themselves, and a cluster that is slow to tell. */
const SLACK_MS = 60_000;
const MAPS = `/api/v1/namespaces/${WISH.namespace}/configmaps`;

const CODES: Readonly<Record<LiveVerdict, number>> = {
  holds: EXIT_CODES.holds,
  found: EXIT_CODES.found,
  unsteady: EXIT_CODES.failsWithoutFaults,
  stopped: EXIT_CODES.missed,
};

/** `ending`: runs the work, and ends with its exit code. */
export function liveCommand(ending: (work: () => Promise<number>) => Promise<void>): Command {
  return withKubeconfig(
    new Command("live")
      .description("break a cluster that runs by a schedule, and tell whether its steady state holds")
      .option("--plan <file>", "YAML or JSON: faults and probes, see the README")
      .option("--for <time>", "how long the faults are in force, as 90s or 5m (default: as the plan says)"),
  ).action((options: LiveOptions) =>
    ending(() => {
      const { given, full } = scheduleOf(options);
      return connected(options, (api) => live(api, given, full));
    }),
  );
}

/** Errors: INVALID_ARGUMENT, INVALID_CHAOS_SCHEDULE. */
function scheduleOf({ plan, for: forText }: LiveOptions): {
  readonly given: ChaosSchedule;
  readonly full: FullSchedule;
} {
  if (plan === undefined) throw refuse("chaos live takes --plan with a file of faults and probes");
  const read = readPlan(plan);
  const isMap = typeof read === "object" && read !== null && !Array.isArray(read);
  const given: unknown = isMap && forText !== undefined ? { ...read, forMs: milliseconds("--for", forText) } : read;
  const full = checkSchedule(given);
  return { given: given as ChaosSchedule, full };
}

/** Errors: INVALID_ARGUMENT. */
function readPlan(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw refuse(`${path} can't be read: ${(error as Error).message}`);
  }
  if (isYamlTooDeep(text)) throw refuse(`${path} is nested too deep; is a bracket not closed?`);
  try {
    return parse(text);
  } catch (error) {
    throw refuse(`${path} is no YAML: ${(error as Error).message.split(":\n")[0]!}`);
  }
}

async function live(api: Api, given: ChaosSchedule, { forMs, steadyMs, healMs }: FullSchedule): Promise<number> {
  const uid = await wish(api, given);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    const endMs = Date.now() + forMs + steadyMs + healMs + SLACK_MS;
    const state = await followed(api, uid, endMs, interrupted.signal);
    if (state === undefined) {
      await forget(api);
      console.log("stopped: the cluster ends every fault");
      return EXIT_CODES.missed;
    }
    if (state.state === "refused") throw refuse(state.error ?? "the cluster refuses the schedule");
    const report = JSON.parse(state.report ?? "{}") as LiveReport;
    console.log(textOfLive(report));
    return CODES[report.verdict];
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    await forget(api);
  }
}

/** Prints what happens, until it is over; undefined when it was interrupted. Errors: CLUSTER_UNREACHABLE, INVALID_ARGUMENT. */
async function followed(
  api: Api,
  uid: string,
  endMs: number,
  interrupted: AbortSignal,
): Promise<WishState | undefined> {
  let printed = 0;
  for (;;) {
    if (interrupted.aborted) return undefined;
    const state = await stateOf(api, uid, endMs);
    if (state !== undefined) {
      const dropped = Number(state.dropped);
      for (const line of (JSON.parse(state.told) as readonly string[]).slice(Math.max(0, printed - dropped))) {
        console.log(line);
      }
      printed = dropped + (JSON.parse(state.told) as readonly string[]).length;
      if (state.state !== "running") return state;
    }
    if (Date.now() > endMs) throw refuse("the cluster does not tell how the schedule goes; does it still run?");
    await sleep(LOOK_MS);
  }
}

/** Undefined: nothing is told yet, or the API does not answer now, which faults may be the cause of. */
async function stateOf(api: Api, uid: string, endMs: number): Promise<WishState | undefined> {
  try {
    const { metadata, data } = await api.json<ConfigMap>({ path: `${MAPS}/${WISH.name}` });
    if (metadata?.uid !== uid) throw refuse("another schedule has taken the place of this one");
    return data?.["state"] === undefined ? undefined : (data as unknown as WishState);
  } catch (error) {
    if (hasReason(error, "NotFound")) throw refuse("somebody has called the schedule off: its ConfigMap is gone");
    if (hasCode(error, "INVALID_ARGUMENT", "CLUSTER_UNTRUSTED") || Date.now() > endMs) throw error;
    if (!(error instanceof InkubeError)) throw error;
    return undefined;
  }
}

/** The uid of the wish. Errors: INVALID_ARGUMENT when another one is being carried out, and the API's. */
async function wish(api: Api, schedule: ChaosSchedule): Promise<string> {
  const body = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: WISH.name },
    data: { schedule: JSON.stringify(schedule) },
  };
  for (;;) {
    try {
      const { metadata } = await api.json<ConfigMap>({ method: "POST", path: MAPS, body });
      return metadata?.uid ?? "";
    } catch (error) {
      if (!hasReason(error, "AlreadyExists")) throw error;
    }
    const { data } = await api.json<ConfigMap>({ path: `${MAPS}/${WISH.name}` });
    if (data?.["state"] === undefined || data["state"] === "running") {
      throw refuse(
        `a schedule is being carried out already; "inkube delete configmap ${WISH.name} -n ${WISH.namespace}" calls it off`,
      );
    }
    await forget(api);
  }
}

/** What is not there any more is as it should be; a cluster that is gone has no faults. */
async function forget(api: Api): Promise<void> {
  try {
    await api.json({ method: "DELETE", path: `${MAPS}/${WISH.name}` });
  } catch (error) {
    if (!hasReason(error, "NotFound") && !hasCode(error, "CLUSTER_UNREACHABLE")) throw error;
  }
}
