/** `inkube trace`: what the actors of a cluster did, filtered, followed, or asked about. */
import { Command } from "commander";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { linesOf } from "./api.ts";
import { refuse } from "./failure.ts";
import { exportCommand } from "./trace-export.ts";
import { diffCommand, queryCommand, stateCommand, storyCommand, whyCommand, withFrom } from "./trace-questions.ts";
import type { FilterOptions, OpenedSource, SourceOptions } from "./trace-source.ts";
import { filterFrom, queryOf, withTrace } from "./trace-source.ts";
import { eventText } from "./trace-text.ts";

interface EventsOptions extends SourceOptions, FilterOptions {
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function traceCommand(): Command {
  const command = withFilters(
    new Command("trace").description("print what the cluster's actors did, and what caused it"),
  )
    .option("-f, --follow", "go on with what happens")
    .addHelpText("after", HELP)
    .action((options: EventsOptions) => withTrace(options, (source) => printEvents(source, options)));
  for (const question of [
    whyCommand(),
    storyCommand(),
    stateCommand(),
    diffCommand(),
    followCommand(),
    queryCommand(),
    exportCommand(),
  ]) {
    command.addCommand(question);
  }
  return command;
}

const HELP = `
Examples:
  $ inkube trace why pod/web-1
  $ inkube trace --kind write --where 'subject~pods/ and user!=system:*' --since 5m
  $ inkube trace follow --object web`;

function withFilters(command: Command): Command {
  return withFrom(
    command
      .option("--actor <name>", "of one actor as scheduler-0, or of a node's as worker-1/")
      .option("--object <name>", "about an object: pods/default/web-1, or part of it")
      .option("--kind <kind>", "of a kind of event, or a family of them: scheduled, log.warn, log, call, pod")
      .option("--where <conditions>", "kind=write and subject~pods/ and revision>100, with or between them")
      .option("--since <time>", "of 12:34:56 or later, or of the last 10s"),
  );
}

function followCommand(): Command {
  return withFilters(
    new Command("follow").description("print what happens as it does, and how much of it could not be kept"),
  ).action((_own: unknown, command: Command) => {
    const options = { ...command.optsWithGlobals<EventsOptions>(), follow: true };
    return withTrace(options, (source) => printEvents(source, options));
  });
}

async function printEvents(source: OpenedSource, options: EventsOptions): Promise<void> {
  const write = (event: TraceEvent): void => {
    process.stdout.write(`${options.json === true ? JSON.stringify(event) : eventText(event)}\n`);
  };
  const filter = await filterFrom(options, source);
  if (options.follow === true) return follow(source, queryOf(filter), write);
  const events = await source.events(filter);
  for (const event of events) write(event);
  if (events.length === 0) process.stderr.write("nothing that is still recorded matches\n");
}

async function follow(source: OpenedSource, query: URLSearchParams, write: (event: TraceEvent) => void): Promise<void> {
  if (source.api === undefined) throw refuse("a record does not go on: leave --from away to follow a running cluster");
  query.set("follow", "true");
  for await (const line of linesOf(await source.api.open({ path: `/debug/trace?${query.toString()}` }))) {
    if (line !== "") write(JSON.parse(line) as TraceEvent);
  }
}
