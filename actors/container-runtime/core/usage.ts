/**
 * What the operating system says that processes and threads use, read from its texts.
 * @see proc(5): `/proc/pid/stat`, `/proc/pid/status`, `/proc/pid/schedstat`; ps(1)
 */
/** What a container has used of the machine. */
export interface Usage {
  /** CPU time since its start, in milliseconds with fractions. */
  readonly cpuMs: number;
  /** What it holds now. */
  readonly memoryBytes: number;
}

/** Linux tells user space of ticks of this length, whatever its own are: USER_HZ is 100. */
const TICK_MS = 10;
const NANOSECONDS_PER_MS = 1_000_000;
/** Behind the process's name in brackets, which may hold anything: utime, stime, cutime and cstime. */
const TIMES_FROM = 11;
const TIMES_TO = 15;

/** CPU time of a process and of the children that it has waited for, of `/proc/<pid>/stat`. */
export function cpuMsOfStat(stat: string): number {
  const times = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(TIMES_FROM, TIMES_TO);
  return times.reduce((sum, ticks) => sum + Number(ticks) * TICK_MS, 0);
}

/** CPU time of one thread, of `/proc/<pid>/task/<tid>/schedstat`. */
export function cpuMsOfSchedstat(text: string): number {
  return Number(text.split(" ")[0]) / NANOSECONDS_PER_MS;
}

/** Resident memory, of `/proc/<pid>/status`. */
export function residentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

/** Of each process group, of `ps -A -o pgid=,time=,rss=`; times are `[[days-]hours:]minutes:seconds[.fraction]`. */
export function usageOfGroups(text: string): ReadonlyMap<number, Usage> {
  const groups = new Map<number, Usage>();
  for (const line of text.split("\n")) {
    const [group, time = "", resident] = line.trim().split(/\s+/);
    if (!group) continue;
    const [days, clock = ""] = time.includes("-") ? time.split("-") : ["0", time];
    const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    const own = { cpuMs: (Number(days) * 86_400 + seconds) * 1_000, memoryBytes: Number(resident) * 1_024 };
    groups.set(Number(group), sumOf(groups.get(Number(group)), own));
  }
  return groups;
}

export function sumOf(one: Usage | undefined, other: Usage): Usage {
  if (one === undefined) return other;
  return { cpuMs: one.cpuMs + other.cpuMs, memoryBytes: one.memoryBytes + other.memoryBytes };
}
