/** Explorations that are a file's default export. */
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InkubeError } from "../../../protocols/errors.ts";
import { isRecord } from "../../../protocols/fault-fields.ts";
import type { Exploration, ExplorationFile } from "./exploration.ts";
import { textOf } from "./run.ts";

export function isInFile(given: Exploration | ExplorationFile): given is ExplorationFile {
  return isRecord(given) && Object.hasOwn(given, "file");
}

export function pathOf({ file }: ExplorationFile): string {
  return file instanceof URL || file.startsWith("file:") ? fileURLToPath(file) : resolve(file);
}

/** Errors: INVALID_EXPLORATION for fields that nobody would look at. */
export function checkFields(given: ExplorationFile): void {
  const { file: _file, seed: _seed, budget: _budget, ...unknown } = given;
  const [field] = Object.keys(unknown);
  if (field === undefined) return;
  const message = `exploration: ${field}: an exploration in a file has no such field (allowed: file, seed, budget)`;
  throw new InkubeError("INVALID_EXPLORATION", message);
}

/** The default export, with what is said instead of it. Errors: INVALID_EXPLORATION, also for a file that can't be loaded. */
export async function loadExploration(given: ExplorationFile): Promise<Exploration> {
  checkFields(given);
  const { seed, budget } = given;
  const path = pathOf(given);
  let loaded: { readonly default?: Exploration };
  try {
    loaded = (await import(pathToFileURL(path).href)) as { readonly default?: Exploration };
  } catch (error) {
    throw new InkubeError("INVALID_EXPLORATION", `${path} can't be loaded: ${textOf(error)}`, { cause: error });
  }
  if (loaded.default === undefined) {
    const message = `${path} has no default export: export the exploration as its default`;
    throw new InkubeError("INVALID_EXPLORATION", message);
  }
  const placed = placedAt(loaded.default, path);
  if (!isRecord(placed)) return placed;
  return {
    ...placed,
    ...(budget === undefined ? {} : { budget: isRecord(placed.budget) ? { ...placed.budget, ...budget } : budget }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Its modules' paths, and the directories of its commands, are taken from the file. */
function placedAt(exploration: Exploration, path: string): Exploration {
  if (!isRecord(exploration)) return exploration;
  const { controllers } = exploration;
  if (!Array.isArray(controllers)) return exploration;
  const placed = (controllers as readonly unknown[]).map((each) => {
    if (!isRecord(each)) return each;
    const { module, command, cwd = "" } = each;
    if (command !== undefined && typeof cwd === "string") return { ...each, cwd: resolve(dirname(path), cwd) };
    if (typeof module !== "string" || module.startsWith("file:")) return each;
    return { ...each, module: resolve(dirname(path), module) };
  });
  return { ...exploration, controllers: placed as Exploration["controllers"] };
}
