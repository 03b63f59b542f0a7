import type { ApiProcess, Cost } from "../../api-process.ts";
import { median } from "../../report.ts";

export const ROUNDS = 5;
export const PODS = 10_000;
/** Objects made in each round of a row that makes `PODS` of them, and what is left to make. */
export const EACH_ROUND = 1_600;
export const REST: number = PODS - (ROUNDS + 1) * EACH_ROUND;
export const PODS_PATH = "/api/v1/namespaces/default/pods";
export const PROTOBUF = "application/vnd.kubernetes.protobuf";

export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The peer's, measured on the same kind of machine. */
  readonly recorded?: number;
  /** What it is held against where the peer is not at hand. */
  readonly against?: { readonly name: string; readonly value: number };
  readonly target?: string;
}

/** Some figures of one API server. `directory` is for files, and is removed. */
export type Row = (api: ApiProcess, directory: string, take: (measured: Measured) => void) => Promise<void>;

interface Held {
  readonly recorded?: Cost;
  readonly against?: { readonly name: string; readonly cost: Cost };
  readonly target?: string;
}

/** A row for the rate and one for the CPU, medians of the rounds. Before them is one, the last by number, to warm up. */
export async function rounds(
  name: string,
  take: (measured: Measured) => void,
  { recorded, against, target }: Held,
  round: (at: number) => Promise<Cost>,
): Promise<Cost> {
  const costs: Cost[] = [];
  await round(ROUNDS);
  for (let at = 0; at < ROUNDS; at++) costs.push(await round(at));
  const [rate, cpuUs] = [median(costs.map((cost) => cost.rate)), median(costs.map((cost) => cost.cpuUs))];
  const beside = (value: (cost: Cost) => number): Pick<Measured, "recorded" | "against"> => ({
    ...(recorded === undefined ? {} : { recorded: value(recorded) }),
    ...(against === undefined ? {} : { against: { name: against.name, value: value(against.cost) } }),
  });
  const aim = target === undefined ? {} : { target };
  take({ name, value: rate, unit: "/s", ...beside((cost) => cost.rate), ...aim });
  take({ name: `${name}, CPU each`, value: cpuUs, unit: "µs", ...beside((cost) => cost.cpuUs) });
  return { rate, cpuUs };
}
