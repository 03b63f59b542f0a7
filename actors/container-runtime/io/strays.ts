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
  eachMarked((id, pid) => {
    if (marks.has(id)) process.kill(Number(pid), "SIGKILL");
  });
}

/** Each process that carries a container's mark. What `action` throws over a process that has just ended counts for nothing. */
export function eachMarked(action: (id: string, pid: string) => void): void {
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const id = MARK_VALUE.exec(readFileSync(`/proc/${pid}/environ`, "latin1"))?.[1];
      if (id !== undefined) action(id, pid);
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
}
