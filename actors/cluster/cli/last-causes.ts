/** Why what is wrong in a cluster is so, in a line for each, as `inkube up` shows it: asked when something turns bad, and not before. */
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Explanation } from "../../../protocols/trace-collector.ts";

/** What has just happened is in the record a moment later. */
const SETTLE_MS = 500;
/** Of a cluster in which everything goes wrong at once a person reads a few. */
const WAITING_MAX = 20;

export class LastCauses {
  private readonly why: (ref: string) => Promise<Explanation>;
  private readonly onLine: (line: string) => void;
  private readonly waiting = new Set<string>();
  private readonly told = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(why: (ref: string) => Promise<Explanation>, onLine: (line: string) => void) {
    this.why = why;
    this.onLine = onLine;
  }

  podChanged(type: string, pod: Pod): void {
    const ref = `pods/${pod.metadata?.namespace ?? ""}/${pod.metadata?.name ?? ""}`;
    if (type === "deleted") this.told.delete(ref);
    else if (isTroubled(pod)) this.ask(ref);
  }

  nodeChanged(type: string, node: Node): void {
    const ready = node.status?.conditions?.find((condition) => condition.type === "Ready")?.status;
    if (type !== "deleted" && ready !== undefined && ready !== "True") this.ask(`nodes/${node.metadata?.name ?? ""}`);
  }

  /** `ref`: as `inkube trace why` takes it. */
  ask(ref: string): void {
    if (this.waiting.size >= WAITING_MAX) return;
    this.waiting.add(ref);
    this.timer ??= setTimeout(() => void this.askAll(), SETTLE_MS);
  }

  close(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  private async askAll(): Promise<void> {
    this.timer = undefined;
    const refs = [...this.waiting];
    this.waiting.clear();
    for (const ref of refs) {
      // A record that is being made anew, or has not got so far, is no news.
      const explanation = await this.why(ref).catch(() => undefined);
      if (explanation !== undefined) this.tell(ref, explanation);
    }
  }

  private tell(ref: string, { sentence, chain }: Explanation): void {
    const last = chain.at(-1);
    // That the same happens again is no other cause.
    const cause = `${last?.kind ?? ""} ${last?.subject ?? ""} ${(last?.detail ?? "").replaceAll(/revision=\d+/g, "")}`;
    if (this.told.get(ref) === cause) return;
    this.told.set(ref, cause);
    this.onLine(`${new Date(last?.timeMs ?? 0).toISOString().slice(11, 19)} ${sentence}`);
  }
}

/** What will not pass by itself: no node, no image, a container that has failed. */
function isTroubled({ status }: Pod): boolean {
  if (status?.phase === "Failed") return true;
  if (status?.conditions?.some(({ type, status: value }) => type === "PodScheduled" && value === "False") === true)
    return true;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return containers.some(
    ({ state }) => /BackOff|Err|Invalid/.test(state?.waiting?.reason ?? "") || (state?.terminated?.exitCode ?? 0) !== 0,
  );
}
