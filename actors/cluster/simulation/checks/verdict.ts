/** What a run that ended badly is told as: a crash is the cause of most that comes after it, so it comes first. */
import { hasCode } from "../../../../protocols/errors.ts";
import type { Crash } from "../../../../runtime/simulation/simulation-host.ts";

/** In words; undefined for a run that did not end badly. `error`: what the story threw, if it did. */
export function verdictOf(crashes: readonly Crash[], error: unknown): string | undefined {
  const [first, ...others] = crashes;
  const thrown = error === undefined ? [] : [wordsOf(error)];
  if (first === undefined) return thrown[0];
  const more =
    others.length === 0
      ? []
      : [`then ${others.length} more: ${[...new Set(others.map(({ actor }) => actor))].join(", ")}`];
  return [crashText(first), ...more, ...thrown.map((text) => `then ${text}`)].join("\n");
}

function crashText({ actor, atMs, error }: Crash): string {
  return `${actor} broke an invariant at ${(atMs / 1_000).toFixed(3)} s: ${error instanceof Error ? error.stack : String(error)}`;
}

function wordsOf(error: unknown): string {
  if (hasCode(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? String(error.stack) : String(error);
}
