/** `inkube trace export`: the record in the formats that others open, and as a page of its own. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command, Option } from "commander";
import type { ExportFormat } from "../trace-export.ts";
import { EXPORT_FORMATS, exported } from "../trace-export.ts";
import { refuse } from "./failure.ts";
import type { FilterOptions, SourceOptions } from "./trace-source.ts";
import { filterFrom, withTrace } from "./trace-source.ts";

interface Options extends SourceOptions, FilterOptions {
  readonly as: ExportFormat;
  readonly out?: string;
  readonly title?: string;
}

/** `trace` has the options that say which record and which events, and takes them wherever they stand. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write the record for another tool, or as one page that opens in any browser without a network")
    .addOption(
      new Option("--as <format>", "html, or for ui.perfetto.dev, OpenTelemetry, ShiViz or Mermaid")
        .choices(EXPORT_FORMATS)
        .makeOptionMandatory(),
    )
    .option("--out <file>", "where to write it (default: to stdout)")
    .option("--title <text>", "of the page")
    .addHelpText("after", HELP)
    .action((_own: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      return withTrace(options, async (source) => {
        const where = await filterFrom(options, source);
        const title = options.title ?? `trace of ${options.from ?? "a cluster"}`;
        await write(exported(await source.record(), options.as, { where, title }), options.out);
      });
    });
}

const HELP = `
Examples:
  $ inkube trace export --as html --out trace.html
  $ inkube trace export --as perfetto --from ./data --out trace.json
  $ inkube trace export --as mermaid --where 'subject~pods/default/web and kind!=log.*'`;

async function write(text: Iterable<string>, file: string | undefined): Promise<void> {
  if (file === undefined) {
    for (const part of text) process.stdout.write(part);
    return;
  }
  try {
    await pipeline(Readable.from(text), createWriteStream(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw refuse(`can't write ${file}: ${(error as Error).message}`);
  }
}
