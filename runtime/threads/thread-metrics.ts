/**
 * What an actor's thread and mailbox do, among the actor's metrics, under the names of Prometheus' and OpenTelemetry's libraries for
 * Node.js. It is looked at when somebody reads. Actors that share a thread tell the same of it; `process_…` is of all actors together.
 */
import { getHeapStatistics } from "node:v8";
import type { Cell } from "../cell.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { wallNowMs } from "./machine-clock.ts";
import { processFigures } from "./process-figures.ts";

const MS_PER_SECOND = 1_000;
const MICROSECONDS_PER_SECOND = 1_000_000;
/** By the machine's clock: a skewed clock of the actor's does not move it. */
const STARTED_SECONDS = wallNowMs() / MS_PER_SECOND - process.uptime();

export function measureThread(metrics: Metrics, cell: Cell): void {
  measureMailbox(metrics, cell);
  const loop = metrics.counter(
    "nodejs_eventloop_time_seconds_total",
    "How long the thread's event loop has worked, and waited for work. Utilization is the rate of the active part.",
    ["nodejs_eventloop_state"],
  );
  const gauges = [
    ["total", "Heap of the thread.", "total_heap_size"],
    ["used", "What of the thread's heap is in use.", "used_heap_size"],
    ["limit", "What the thread's heap may grow to.", "heap_size_limit"],
  ] as const;
  const heap = gauges.map(
    ([part, help, field]) => [metrics.gauge(`nodejs_heap_size_${part}_bytes`, help).of(), field] as const,
  );
  const external = metrics.gauge("nodejs_external_memory_bytes", "Memory of the thread outside of its heap.").of();
  const cpu = metrics.counter("process_cpu_seconds_total", "CPU time of the process, which all actors share.").of();
  const resident = metrics
    .gauge("process_resident_memory_bytes", "Memory of the process, which all actors share.")
    .of();
  metrics
    .gauge("process_start_time_seconds", "When the process started, since the Unix epoch.")
    .of()
    .set(STARTED_SECONDS);
  measureProcess(metrics);
  metrics.onRead(() => {
    const { active, idle } = performance.eventLoopUtilization();
    loop.of("active").set(active / MS_PER_SECOND);
    loop.of("idle").set(idle / MS_PER_SECOND);
    const statistics = getHeapStatistics();
    for (const [gauge, field] of heap) gauge.set(statistics[field]);
    external.set(statistics.external_memory);
    const { user, system } = process.cpuUsage();
    cpu.set((user + system) / MICROSECONDS_PER_SECOND);
    resident.set(process.memoryUsage.rss());
  });
}

/** Nothing where the system does not tell. */
function measureProcess(metrics: Metrics): void {
  if (process.platform !== "linux") return;
  const open = metrics.gauge("process_open_fds", "Open files of the process, which all actors share.").of();
  const most = metrics.gauge("process_max_fds", "Files that the process may have open.").of();
  const virtual = metrics.gauge("process_virtual_memory_bytes", "Addresses that the process has taken.").of();
  metrics.onRead(() => {
    const figures = processFigures();
    if (figures === undefined) return;
    open.set(figures.openFiles);
    most.set(figures.openFilesMax);
    virtual.set(figures.virtualBytes);
  });
}

function measureMailbox(metrics: Metrics, cell: Cell): void {
  const waiting = metrics.gauge("inkube_mailbox_messages", "Messages to the actor by where they are.", ["state"]);
  const handled = metrics.counter(
    "inkube_messages_handled_total",
    "Messages that the actor has handled, by method and outcome.",
    ["method", "result"],
  );
  const dead = metrics.counter("inkube_dead_letters_total", "Messages that nobody will handle, by reason.", ["reason"]);
  metrics.onRead(() => {
    const statistics = cell.statistics();
    for (const state of ["waiting", "underWay", "stashed"] as const)
      waiting.of(state === "underWay" ? "under-way" : state).set(statistics[state]);
    for (const [method, counts] of Object.entries(statistics.methods)) {
      handled.of(method, "ok").set(counts.handled - counts.failed);
      handled.of(method, "failed").set(counts.failed);
    }
    for (const [reason, count] of Object.entries(statistics.deadLetters)) dead.of(reason).set(count);
  });
}
