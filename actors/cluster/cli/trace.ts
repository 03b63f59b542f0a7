/** `inkube trace`: the flight recorders of a running cluster, merged, filtered, followed. */
import { Command } from "commander";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { formatEvent } from "../../../runtime/trace/event.ts";
import { TraceRecord } from "../../trace-collector/core/record.ts";
import { explain } from "../../trace-collector/core/why.ts";
import { linesOf } from "./api.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";

interface TraceOptions extends ConnectOptions {
  readonly actor?: string;
  readonly object?: string;
  readonly kind?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function traceCommand(): Command {
  return eventsCommand().addCommand(whyCommand());
}

function whyCommand(): Command {
  return withKubeconfig(
    new Command("why")
      .description("say in one sentence why an object or an actor is as it is, and what that came of")
      .argument("<ref>", "pod/web-1, pods/shop/web-1, node/worker-1, or an actor as scheduler-1")
      .option("--json", "the explanation as one JSON object"),
  ).action((ref: string, _own: TraceOptions, command: Command) => {
    // `trace` has options of the same names, and takes them wherever they stand.
    const options = command.optsWithGlobals<TraceOptions>();
    return connected(options, async (api) => {
      const events: TraceEvent[] = [];
      for await (const line of linesOf(await api.open({ path: "/debug/trace" }))) {
        if (line !== "") events.push(JSON.parse(line) as TraceEvent);
      }
      const explanation = explain(new TraceRecord({ events }), ref);
      const { sentence, chain } = explanation;
      const text = [sentence, ...chain.map((event) => `  ${formatEvent(event)}`)].join("\n");
      process.stdout.write(`${options.json === true ? JSON.stringify(explanation) : text}\n`);
    });
  });
}

function eventsCommand(): Command {
  return withKubeconfig(
    new Command("trace")
      .description("print what the cluster's actors did, and what caused it")
      .option("--actor <name>", "of one actor as scheduler-0, or of a node's as worker-1/")
      .option("--object <name>", "about an object: pods/default/web-1, or part of it")
      .option("--kind <kind>", "of a kind of event, or a family of them: scheduled, log.warn, log, call, pod")
      .option("-f, --follow", "go on with what happens")
      .option("--json", "one JSON object a line"),
  ).action((options: TraceOptions) =>
    connected(options, async (api) => {
      const query = new URLSearchParams();
      for (const name of ["actor", "object", "kind"] as const) {
        if (options[name] !== undefined) query.set(name, options[name]);
      }
      if (options.follow === true) query.set("follow", "true");
      let printed = 0;
      for await (const line of linesOf(await api.open({ path: `/debug/trace?${query.toString()}` }))) {
        if (line === "") continue;
        printed++;
        process.stdout.write(`${options.json === true ? line : formatEvent(JSON.parse(line) as TraceEvent)}\n`);
      }
      if (printed === 0 && options.follow !== true) process.stderr.write("nothing that is still recorded matches\n");
    }),
  );
}
