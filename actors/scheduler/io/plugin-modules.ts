/** Scheduler plugins that are modules of the user, on the scheduler's own thread. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { ModuleDoor } from "../../../runtime/threads/load-bundle.ts";
import type { SchedulerPluginFactory } from "../profiles.ts";

/** `plugins`: `file:` URLs by name. Errors: PLUGIN_NOT_LOADED for a module that throws, or has no function as its default export. */
export async function loadPlugins(
  plugins: Readonly<Record<string, { readonly module: string }>>,
): Promise<ReadonlyMap<string, SchedulerPluginFactory>> {
  const loaded = Object.entries(plugins).map(async ([name, { module }]) => [name, await load(name, module)] as const);
  return new Map(await Promise.all(loaded));
}

async function load(name: string, module: string): Promise<SchedulerPluginFactory> {
  let exported: unknown;
  try {
    const importModule = (globalThis as ModuleDoor).inkubeImport ?? ((url: string) => import(url));
    exported = ((await importModule(module)) as { readonly default?: unknown }).default;
  } catch (error) {
    throw new InkubeError("PLUGIN_NOT_LOADED", `the scheduler plugin ${name} can't be loaded: ${String(error)}`, {
      cause: error,
    });
  }
  if (typeof exported !== "function") {
    const what = `the scheduler plugin ${name} has no function as its default export (${module})`;
    throw new InkubeError("PLUGIN_NOT_LOADED", what);
  }
  return exported as SchedulerPluginFactory;
}
