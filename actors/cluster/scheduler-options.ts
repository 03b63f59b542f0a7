/** What is asked of the scheduler, and the check of it. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseDocument } from "yaml";
import type { InkubeError } from "../../protocols/errors.ts";
import { isYamlTooDeep } from "../../protocols/kubernetes/yaml-depth.ts";
import { DEFAULT_CONFIGURATION, readConfiguration } from "../scheduler/core/configuration/configuration.ts";
import type { PluginFactory } from "../scheduler/core/configuration/profiles.ts";
import { profilesOf } from "../scheduler/core/configuration/profiles.ts";
import type { ResolvedConfiguration } from "../scheduler/core/configuration/types.ts";
import type { SchedulerOptions } from "../scheduler/spec.ts";

export interface SchedulerConfigurationOptions {
  /**
   * A KubeSchedulerConfiguration of `kubescheduler.config.k8s.io/v1`: YAML or JSON text, or an object. Fields about kube-scheduler's
   * own process (leaderElection, clientConnection, …) mean nothing here, and extenders are refused.
   */
  readonly configuration?: string | object;
  /**
   * Plugins of your own by name: JavaScript modules whose default export makes a plugin (`SchedulerPluginFactory`), and which run on
   * the scheduler's thread. What no profile names is enabled in all of them. Relative paths are from the current directory.
   */
  readonly plugins?: Readonly<Record<string, { readonly module: string }>>;
}

type Refuse = (field: string, what: string) => InkubeError;

/** @param refuse makes the error, which names the field */
export function resolveScheduler(
  given: SchedulerConfigurationOptions,
  refuse: Refuse,
): Pick<SchedulerOptions, "configuration" | "plugins"> {
  if (typeof given !== "object" || given === null)
    throw refuse("", "must be { configuration, plugins }, as { configuration: readFileSync(…) }");
  for (const field of Object.keys(given))
    if (field !== "configuration" && field !== "plugins") throw refuse(field, "there are configuration and plugins");
  const plugins = locate(given.plugins ?? {}, refuse);
  if (given.configuration === undefined) return { configuration: DEFAULT_CONFIGURATION, plugins };
  const read = readConfiguration(configurationValue(given.configuration, refuse));
  if ("problem" in read) throw refuse("configuration", read.problem);
  const { configuration } = read;
  const stands = Object.keys(plugins).map((name) => [name, standIn(name, configuration)] as const);
  const made = profilesOf(
    configuration,
    new Map([["DefaultBinder", standIn("DefaultBinder", configuration)], ...stands]),
  );
  if ("problem" in made) throw refuse("configuration", made.problem);
  return { configuration, plugins };
}

/** What a plugin is before its module is loaded: it has the extension points that a profile names it at. */
function standIn(name: string, { profiles }: ResolvedConfiguration): PluginFactory {
  const points = profiles.flatMap(({ plugins = {} }) =>
    Object.entries(plugins).flatMap(([point, { enabled = [] }]) =>
      enabled.some((choice) => choice.name === name) ? [point] : [],
    ),
  );
  if (name === "DefaultBinder") points.push("bind");
  return () => ({ name, ...Object.fromEntries(points.map((point) => [point, () => undefined])) });
}

function configurationValue(configuration: string | object, refuse: Refuse): unknown {
  if (typeof configuration !== "string") return configuration;
  if (isYamlTooDeep(configuration)) throw refuse("configuration", "is nested too deep; is a bracket not closed?");
  const document = parseDocument(configuration);
  const [error] = document.errors;
  if (error !== undefined) throw refuse("configuration", error.message.split(":\n")[0]!);
  return document.toJS();
}

/** Fields of a configuration that are known and mean nothing here; none of one that can't be read. */
export function unhonouredOf(configuration: string): readonly string[] {
  const document = parseDocument(configuration);
  if (document.errors.length > 0) return [];
  const read = readConfiguration(document.toJS());
  return "problem" in read ? [] : read.configuration.unhonoured;
}

function locate(
  plugins: NonNullable<SchedulerConfigurationOptions["plugins"]>,
  refuse: Refuse,
): SchedulerOptions["plugins"] {
  if (typeof plugins !== "object" || plugins === null) throw refuse("plugins", "must be a table by name");
  return Object.fromEntries(
    Object.entries(plugins).map(([name, plugin]) => {
      const place = `plugins["${name}"]`;
      if (typeof plugin?.module !== "string") throw refuse(place, 'must be { module }, as { module: "./spread.js" }');
      const path = plugin.module.startsWith("file:") ? fileURLToPath(plugin.module) : resolve(plugin.module);
      if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
        throw refuse(place, `there is no module ${plugin.module}`);
      return [name, { module: pathToFileURL(path).href }];
    }),
  );
}
