/**
 * `inkube trace why | story | state | diff | query`: what the record of a cluster answers. `trace` has options of the same names as
 * theirs, and takes them wherever they stand: so all are read together.
 */
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import { WHY_QUESTIONS } from "../../../protocols/trace-collector.ts";
import type { StateOfObjects } from "../../../protocols/trace-collector.ts";
import { rulesOf } from "../../api-server/core/kinds/kinds.ts";
import { toTable } from "../../api-server/core/machinery/table.ts";
import { divergenceOf } from "../../trace-collector/core/divergence.ts";
import { matches } from "../../trace-collector/core/filter.ts";
import { objectOf } from "../../trace-collector/core/state.ts";
import { resourceOf } from "../../trace-collector/core/subjects.ts";
import { QUERY_DEFAULTS, queryRecord } from "../../trace-collector/io/sql.ts";
import { openRecord } from "../open-trace.ts";
import { milliseconds } from "./arguments.ts";
import { withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";
import { TablePrinter } from "./table.ts";
import type { FilterOptions, SourceOptions } from "./trace-source.ts";
import { filterFrom, withTrace } from "./trace-source.ts";
import { divergenceText, rowsText, storyText, whyText } from "./trace-text.ts";

interface Options extends SourceOptions, FilterOptions {
  readonly json?: boolean;
}

export function withFrom(command: Command): Command {
  return withKubeconfig(command)
    .option("--from <path>", "the record in a cluster's data directory, or in a file of `inkube trace --json`")
    .option("--json", "as JSON");
}

function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ inkube trace ${line}`).join("\n")}`);
}

export function whyCommand(): Command {
  const command = withFrom(
    new Command("why")
      .description("say in one sentence why an object or an actor is as it is, and what that came of")
      .argument("<ref>", "pod/web-1, pods/shop/web-1, node/worker-1, or an actor as scheduler-1")
      .argument("[question]", `${WHY_QUESTIONS.join(", ")} or changed:FIELD; how it stands now when absent`)
      .option("--all", "every line of the chain"),
  ).action((ref: string, as: string | undefined, _own: unknown, of: Command) => {
    const options = of.optsWithGlobals<Options & { readonly all?: boolean }>();
    return withTrace(options, async (source) => {
      const question = { ask: "why", ref, ...(as === undefined ? {} : { as }) } as const;
      const { explanation } = await source.ask(question);
      print(options, explanation, () => whyText(explanation, options.all === true));
    });
  });
  return example(
    command,
    "why deployment/web stuck",
    "why deployment/web changed:spec.replicas",
    "why scheduler-1 --from ./data",
  );
}

export function storyCommand(): Command {
  const command = withFrom(
    new Command("story")
      .description("print all that happened to an object or an actor, with what each write changed")
      .argument("<ref>", "as for why")
      .option("--owners", "also what happened to what it was made for")
      .option("--across-recreate", "also to others of its name before it"),
  ).action((ref: string, _own: unknown, of: Command) => {
    const options = of.optsWithGlobals<Options & { readonly owners?: boolean; readonly acrossRecreate?: boolean }>();
    return withTrace(options, async (source) => {
      const owners = options.owners === true ? ({ owners: "true" } as const) : {};
      const before = options.acrossRecreate === true ? ({ acrossRecreate: "true" } as const) : {};
      const { story } = await source.ask({ ask: "story", ref, ...owners, ...before });
      const filter = await filterFrom(options, source);
      const entries = story.entries.filter((entry) => {
        const [actor = "", sequence = "0"] = entry.event.split("#");
        const { timeMs, subject, kind, detail } = entry;
        return matches(filter, {
          actor,
          sequence: Number(sequence),
          lamport: 0,
          timeMs,
          kind,
          subject,
          peer: "",
          cause: "",
          detail,
        });
      });
      const told = { ...story, entries };
      print(options, told, () => storyText(told));
    });
  });
  return example(command, "story pod/web-1 --owners", "story pod/web-1 --since 5m --where kind=write");
}

interface StateOptions extends SourceOptions {
  readonly at?: string;
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly output?: "wide" | "json" | "yaml";
  readonly json?: boolean;
}

export function stateCommand(): Command {
  const command = withFrom(
    new Command("state")
      .description("show objects as they were")
      .argument("<resource>", "pods, deployments, …")
      .argument("[name]")
      .requiredOption("--at <moment>", '"revision 132", 12:34:56.789, an event as scheduler-0#42, or 10s ago')
      .option("-n, --namespace <name>", "where the objects were", "default")
      .option("-A, --all-namespaces", "everywhere")
      .addOption(new Option("-o, --output <format>", "how to show them").choices(["wide", "json", "yaml"])),
  ).action((resource: string, name: string | undefined, _own: unknown, of: Command) => {
    const options = of.optsWithGlobals<StateOptions>();
    return withTrace(options, async (source) => {
      const namespace = options.allNamespaces === true ? {} : { namespace: options.namespace };
      const named = name === undefined ? {} : { name };
      const question = { ask: "state", at: options.at ?? "", resource, ...namespace, ...named } as const;
      printState((await source.ask(question)).state, resource, options);
    });
  });
  return example(command, 'state pods -A --at "revision 132"', "state deployments web -o yaml --at 2m --from ./data");
}

function printState({ objects, revision, timeMs }: StateOfObjects, word: string, options: StateOptions): void {
  const items = objects.map(objectOf);
  if (options.json === true || options.output === "json" || options.output === "yaml") {
    const list = { apiVersion: "v1", kind: "List", metadata: { resourceVersion: String(revision) }, items };
    const text = options.output === "yaml" ? stringify(list) : `${JSON.stringify(list, undefined, 4)}\n`;
    process.stdout.write(text);
    return;
  }
  const when = timeMs === null ? "" : `, ${new Date(timeMs).toISOString()}`;
  process.stderr.write(`at revision ${revision}${when}\n`);
  if (items.length === 0) {
    process.stderr.write("there were none\n");
    return;
  }
  const info = RESOURCES.find(({ resource }) => resource === resourceOf(word)) ?? PLAIN;
  const style = {
    wide: options.output === "wide",
    namespaces: options.allNamespaces === true && info.namespaced,
    prefix: "",
  };
  // Ages are those of then.
  const how = { includeObject: "Metadata", nowMs: timeMs ?? Date.now(), columns: true } as const;
  const table = toTable({ info, rules: rulesOf(info) }, items, {}, how);
  process.stdout.write(`${new TablePrinter(style).lines({ ...table, kind: "Table" } as never).join("\n")}\n`);
}

/** A kind that the record's cluster had defined: name and age, as of any that has no columns of its own. */
const PLAIN = { ...RESOURCES.find(({ resource }) => resource === "configmaps")!, columns: [] };

export function diffCommand(): Command {
  const command = new Command("diff")
    .description("say where two records of the same story part: what was done to one only, and what came of it")
    .argument("<first>", "a cluster's data directory, or a file of `inkube trace --json`")
    .argument("<second>")
    .option("--json", "as JSON")
    .action(async (first: string, second: string, _own: unknown, of: Command) => {
      const options = of.optsWithGlobals<Options>();
      if (options.from !== undefined) throw refuse("diff takes two records by their names, and no --from");
      const [left, right] = await Promise.all([openRecord(first), openRecord(second)]);
      for (const warning of [...left.warnings, ...right.warnings]) process.stderr.write(`inkube: ${warning}\n`);
      const divergence = divergenceOf(left.record, right.record);
      print(options, divergence, () => divergenceText(divergence));
    });
  return example(command, "diff before.ndjson after.ndjson", "diff ./data-1 ./data-2 --json");
}

export function queryCommand(): Command {
  const command = withFrom(
    new Command("query")
      .description("ask the record in SQL (Node.js 22.5 and later)")
      .argument("<sql>", "one statement that reads: about events, edges, writes, faults, gaps and objects")
      .option("--timeout <time>", "for the statement: 10s, 2m", "10s"),
  ).action((sql: string, _own: unknown, of: Command) => {
    const options = of.optsWithGlobals<Options & { readonly timeout: string }>();
    return withTrace(options, async (source) => {
      const timeoutMs = milliseconds("--timeout", options.timeout);
      const result = await queryRecord(await source.record(), sql, { ...QUERY_DEFAULTS, timeoutMs });
      print(options, result, () => rowsText(result));
    });
  });
  return example(
    command,
    '"SELECT kind, count(*) FROM events GROUP BY kind"',
    "\"SELECT user, count(*) FROM writes WHERE subject LIKE 'pods/%' GROUP BY user\" --from ./data",
  );
}

function print(options: { readonly json?: boolean }, answer: unknown, text: () => string): void {
  process.stdout.write(`${options.json === true ? JSON.stringify(answer) : text()}\n`);
}
