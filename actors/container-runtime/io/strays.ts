/** Processes that a container's end left behind, found by the mark in their environment. Linux only; elsewhere none is found. */
import { readFileSync, readdirSync } from "node:fs";
import { CONTAINER_ENVIRONMENT } from "../../../protocols/container-runtime.ts";

const MARK_VALUE: RegExp = new RegExp(`(?:^|\\0)${CONTAINER_ENVIRONMENT.mark}=([^\\0]*)`);
/** How long after a container's end its strays are looked for. */
const SWEEP_MS = 10;

/** Containers whose strays are to be looked for. One look at /proc serves all that ended in the same moment. */
const sweeping = new Set<string>();

/** For a container that has ended. */
export function sweepLater(id: string): void {
  if (process.platform !== "linux") return;
  if (sweeping.size === 0) setTimeout(sweep, SWEEP_MS);
  sweeping.add(id);
}

/** Without the wait: the thread may end before it. */
export function sweep(): void {
  const ids = [...sweeping];
  sweeping.clear();
  killMarked(ids);
}

/** Kills all processes that carry the mark of one of these containers. */
export function killMarked(ids: readonly string[]): void {
  if (process.platform !== "linux" || ids.length === 0) return;
  const marks = new Set(ids);
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const found = MARK_VALUE.exec(readFileSync(`/proc/${name}/environ`, "latin1"))?.[1];
      if (found !== undefined && marks.has(found)) process.kill(Number(name), "SIGKILL");
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
}
