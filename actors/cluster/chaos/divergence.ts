/** Where two runs that should be the same part. */
import { differencesOf } from "./end-state.ts";
import type { RunResult } from "./run.ts";

/** In words; undefined when they are the same. */
export function divergenceOf(first: RunResult, second: RunResult): string | undefined {
  if (first.digest === second.digest) return undefined;
  const [before, after] = [linesOf(first), linesOf(second)];
  const index = before.findIndex((line, at) => line !== after[at]);
  if (index < 0 && after.length === before.length) return "the traces differ, but in no request and no delivery";
  const at = index < 0 ? before.length : index;
  return `the first run: ${before[at] ?? "nothing more"}; the second: ${after[at] ?? "nothing more"}`;
}

/** Where two real runs have come to other ends. */
export function outcomeDivergenceOf(first: RunResult, second: RunResult): string | undefined {
  const differences = differencesOf(first.end, second.end);
  return differences.length === 0 ? undefined : differences.map(({ text }) => text).join("; ");
}

/** What the controllers did and were told, in order. */
function linesOf({ history }: RunResult): readonly string[] {
  const place = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
    namespace === "" ? name : `${namespace}/${name}`;
  const lines = [
    ...history.requests.map((seen) => ({
      ...seen,
      line: `${seen.by}: ${seen.verb} ${seen.resource} ${place(seen)}, answered ${seen.code} at revision ${seen.revision}`,
    })),
    ...history.deliveries.map((seen) => ({
      ...seen,
      line: `${seen.by} was told ${seen.type} ${seen.resource} ${place(seen)} of revision ${seen.revision}`,
    })),
  ];
  return lines
    .sort((left, right) => left.atMs - right.atMs)
    .map(({ atMs, line }) => `at ${atMs.toFixed(3)} ms ${line}`);
}
