/**
 * CPU rates from CPU times: between two samples of a container, the first of which may be its start, when it had used none.
 * Nothing is measured while nobody asks, so the last sample may be old.
 */
import type { ContainerStats } from "../../../protocols/container-runtime.ts";

/** Below it a rate tells of chance. A sample that comes sooner prolongs the span that is there. */
export const WINDOW_MIN_MS = 1_000;
/** Beyond it a rate does not tell of now: another sample is taken, to begin a new span with this one. As kubectl's users expect it. */
export const WINDOW_MAX_MS = 60_000;

const NANO_PER_MS = 1_000_000;
const NANO_CORES_PER_CORE = 1_000_000_000;

export interface ContainerUsage {
  readonly stats: ContainerStats;
  readonly windowMs: number;
  readonly nanoCores: number;
  readonly coreNanoSeconds: number;
}

interface Point {
  readonly atMs: number;
  readonly cpuMs: number;
}

interface Span {
  readonly from: Point;
  readonly stats: ContainerStats;
}

export class UsageMeter {
  private spans: ReadonlyMap<string, Span> = new Map();

  /** Of all containers that run: whoever is not among them is forgotten. */
  take(items: readonly ContainerStats[]): void {
    this.spans = new Map(items.map((stats) => [stats.id, { stats, from: beginOf(this.spans.get(stats.id), stats) }]));
  }

  /** Whether some rate is of a span that is too long, so that a second sample is wanted. */
  get isStale(): boolean {
    return [...this.spans.values()].some((span) => lengthOf(span) > WINDOW_MAX_MS);
  }

  usages(): readonly ContainerUsage[] {
    return [...this.spans.values()].map((span): ContainerUsage => {
      const { stats, from } = span;
      const windowMs = Math.max(1, lengthOf(span));
      // A process that has ended takes its time along, where its parent was not a process of the container.
      const usedMs = Math.max(0, stats.cpuMs - from.cpuMs);
      return {
        stats,
        windowMs,
        nanoCores: Math.round((usedMs / windowMs) * NANO_CORES_PER_CORE),
        coreNanoSeconds: Math.round(stats.cpuMs * NANO_PER_MS),
      };
    });
  }
}

function lengthOf({ stats, from }: Span): number {
  return stats.sampledAtMs - from.atMs;
}

function beginOf(before: Span | undefined, stats: ContainerStats): Point {
  if (before === undefined) return { atMs: stats.startedAtMs, cpuMs: 0 };
  const last = { atMs: before.stats.sampledAtMs, cpuMs: before.stats.cpuMs };
  return stats.sampledAtMs - last.atMs < WINDOW_MIN_MS ? before.from : last;
}
