/** The flags of the scheduler. */
import { readFileSync } from "node:fs";
import type { ClusterOptions } from "../options.ts";
import { unhonouredOf } from "../scheduler-options.ts";
import { refuse } from "./failure.ts";

/** `say` is told what is in the file and means nothing here. Errors: INVALID_ARGUMENT. */
export function schedulerOf(
  file: string | undefined,
  plugins: readonly string[],
  say: (line: string) => void,
): Pick<ClusterOptions, "scheduler"> {
  if (file === undefined && plugins.length === 0) return {};
  const given = { plugins: Object.fromEntries(plugins.map(pluginOf)) };
  if (file === undefined) return { scheduler: given };
  const configuration = textOf(file);
  for (const field of unhonouredOf(configuration)) {
    say(`--scheduler-config: ${field} is of kube-scheduler's own process and means nothing here`);
  }
  return { scheduler: { ...given, configuration } };
}

function pluginOf(text: string): readonly [string, { readonly module: string }] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw refuse(`--scheduler-plugin ${text}: must be name=module`);
  return [text.slice(0, at), { module: text.slice(at + 1) }];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw refuse(`--scheduler-config: ${(error as Error).message}`);
  }
}
