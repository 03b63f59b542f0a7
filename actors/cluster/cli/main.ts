#!/usr/bin/env node
/** The command `inkube`. Every failure ends in one line on stderr and exit code 1. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { applyCommand } from "./apply.ts";
import { chaosCommand } from "./chaos.ts";
import { deleteCommand } from "./delete.ts";
import { etcdCommand } from "./etcd.ts";
import { envtestAssetsCommand } from "./envtest-assets.ts";
import { execCommand } from "./exec.ts";
import { explain } from "./failure.ts";
import { getCommand } from "./get.ts";
import { joinCommand } from "./join.ts";
import { masterCommand } from "./master.ts";
import { logsCommand } from "./logs.ts";
import { portForwardCommand } from "./port-forward.ts";
import { scaleCommand } from "./scale.ts";
import { simulateCommand } from "./simulate.ts";
import { tokenCommand } from "./token.ts";
import { traceCommand } from "./trace.ts";
import { upCommand } from "./up.ts";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

const program = new Command("inkube")
  .description("A highly available Kubernetes cluster inside one Node.js process.")
  .version(manifest.version)
  .showHelpAfterError("(inkube --help tells what there is)")
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "inkube: ")) })
  .exitOverride();
for (const command of [
  upCommand(),
  masterCommand(),
  joinCommand(),
  tokenCommand(),
  applyCommand(),
  getCommand(),
  deleteCommand(),
  scaleCommand(),
  logsCommand(),
  execCommand(),
  portForwardCommand(),
  traceCommand(),
  simulateCommand(),
  envtestAssetsCommand(),
  etcdCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program));
}
program.addCommand(chaosCommand(program));

// A reader that has seen enough (`inkube get pods | head -1`) closes the pipe; that is no failure of ours. A cluster that
// is up is stopped, as by SIGTERM.
let isCut = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (isCut) return;
  isCut = true;
  if (!process.emit("SIGTERM")) process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`inkube: ${explain(error)}\n`);
    process.exitCode = 1;
  }
}
