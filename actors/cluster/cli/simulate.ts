/** `inkube simulate`: the whole cluster in one thread on virtual time, from one seed; or many seeds at once. */
import { Command, Option } from "commander";
import { integer } from "./arguments.ts";
import { refuse } from "./failure.ts";

interface SimulateOptions {
  readonly seed?: string;
  readonly seeds?: string;
  readonly jobs?: string;
  readonly minutes: string;
  readonly trace?: string;
  readonly record?: string;
  readonly replay?: string;
  readonly selfCheck: string;
  readonly twice?: true;
  readonly faults?: true | string;
}

export function simulateCommand(): Command {
  return new Command("simulate")
    .description("run the cluster in a deterministic simulation, with a workload and kills: one seed, one history")
    .option("--seed <number>", "which history (default: 1)")
    .option("--seeds <count>", "run the seeds 1 to COUNT instead, and name the first that fails")
    .option("--jobs <count>", "seeds at a time (default: one for each processor)")
    .option("--minutes <minutes>", "of virtual time", "2")
    .option("--trace <file>", "write the whole trace to a file")
    .option("--record <file>", "write every random decision to a file, from which --replay repeats the run")
    .option("--replay <file>", "repeat a recorded run without the random generator; stops at the first difference")
    .option(
      "--faults [file]",
      "besides kills: bad links, disks and clocks, and power failures; or the plan of a JSON file",
    )
    .option("--self-check <percent>", "with --seeds: run so many of the seeds twice, and compare", "5")
    .addOption(
      new Option("--twice", "with --seeds: run each of them twice, as --self-check 100").conflicts("selfCheck"),
    )
    .action(simulate);
}

async function simulate(options: SimulateOptions, command: Command): Promise<void> {
  checkTogether(command);
  const minutes = integer("--minutes", options.minutes, 1, 24 * 60);
  const simulation = await import("./simulation-runs.ts");
  const faults = simulation.faultsOf(options.faults);
  if (options.seeds !== undefined) {
    const jobs = options.jobs === undefined ? undefined : integer("--jobs", options.jobs, 1, 1_024);
    const selfCheckShare = options.twice === true ? 1 : integer("--self-check", options.selfCheck, 0, 100) / 100;
    await simulation.runMany({
      seeds: integer("--seeds", options.seeds, 1, 1_000_000),
      jobs,
      minutes,
      faults,
      selfCheckShare,
    });
    return;
  }
  if (options.replay !== undefined) {
    await simulation.replay(options.replay, options.trace);
    return;
  }
  const seed = integer("--seed", options.seed ?? "1", 0, Number.MAX_SAFE_INTEGER);
  await simulation.runOne({ seed, minutes, faults, traceFile: options.trace, recordFile: options.record });
}

/** Options that say nothing about one run, about many, or about one that is repeated. Errors: INVALID_ARGUMENT. */
function checkTogether(command: Command): void {
  const given = (option: string): boolean => command.getOptionValueSource(option) === "cli";
  const refuseSome = (options: readonly string[], why: string): void => {
    const unheeded = options.find(given);
    const flag = unheeded?.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (flag !== undefined) throw refuse(`--${flag} has no meaning ${why}`);
  };
  if (given("replay"))
    refuseSome(["seed", "seeds", "jobs", "minutes", "record", "faults", "selfCheck", "twice"], "beside --replay");
  if (given("seeds")) refuseSome(["seed", "trace", "record"], "beside --seeds");
  else refuseSome(["jobs", "selfCheck", "twice"], "without --seeds");
}
