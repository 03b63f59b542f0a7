/** What the processes of containers use: found by their marks in /proc, or by their groups where there is none. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Usage } from "../core/usage.ts";
import { cpuMsOfSchedstat, cpuMsOfStat, residentBytes, sumOf, usageOfGroups } from "../core/usage.ts";
import { eachMarked } from "./strays.ts";

const PS_TIMEOUT_MS = 2_000;

/** Linux: of every container that has processes, by its id. */
export function markedUsage(): ReadonlyMap<string, Usage> {
  const found = new Map<string, Usage>();
  eachMarked((id, pid) => {
    const cpuMs = cpuMsOfStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
    const memoryBytes = residentBytes(readFileSync(`/proc/${pid}/status`, "latin1"));
    found.set(id, sumOf(found.get(id), { cpuMs, memoryBytes }));
  });
  return found;
}

/** Elsewhere: of every process group; none when `ps` does not answer. */
export function groupUsage(): Promise<ReadonlyMap<number, Usage>> {
  return new Promise((resolve) => {
    execFile("ps", ["-A", "-o", "pgid=,time=,rss="], { timeout: PS_TIMEOUT_MS }, (error, stdout) =>
      resolve(error === null ? usageOfGroups(stdout) : new Map()),
    );
  });
}

/** CPU time of a thread of this process by its path below /proc; undefined where the system doesn't say, or when it has ended. */
export function threadCpuMs(path: string): number | undefined {
  try {
    return cpuMsOfSchedstat(readFileSync(`/proc/${path}/schedstat`, "latin1"));
  } catch {
    return undefined;
  }
}
