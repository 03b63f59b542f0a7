/** What Prometheus' libraries tell of a process beside its CPU and memory, from where Linux has it. */
import { readFileSync, readdirSync } from "node:fs";

export interface ProcessFigures {
  readonly openFiles: number;
  /** Infinity: there is no limit. */
  readonly openFilesMax: number;
  readonly virtualBytes: number;
}

/** Of the fields behind the program's name, which may hold anything. */
const VIRTUAL_BYTES_FIELD = 20;

/** Undefined where there is no `/proc`. See proc(5), `/proc/pid/fd`, `limits` and `stat`. */
export function processFigures(): ProcessFigures | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const [, limit = "unlimited"] = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
    return {
      openFiles: readdirSync("/proc/self/fd").length,
      openFilesMax: limit === "unlimited" ? Infinity : Number(limit),
      virtualBytes: Number(stat.slice(stat.lastIndexOf(") ") + 2).split(" ")[VIRTUAL_BYTES_FIELD]),
    };
  } catch {
    return undefined;
  }
}
