/** `/metrics` of an API server: what it counts itself, and what the process and the thread tell. */
import { getHeapStatistics } from "node:v8";
import type { Backend } from "../backend.ts";
import type { Family, RequestFigures } from "../core/telemetry/request-figures.ts";
import { prometheusText } from "../core/telemetry/request-figures.ts";
import type { RawHandler } from "./http-messages.ts";

const encoder = new TextEncoder();
const HEADERS = { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-cache, private" };
const MICROSECONDS = 1_000_000;

export const FIGURES_PATH = "/metrics";

export function figures(backend: Backend, requests: RequestFigures): RawHandler {
  return (_request, answer) => {
    const text = prometheusText([...requests.families, storedObjects(backend), ...processFigures()]);
    answer.send(200, HEADERS, encoder.encode(text));
  };
}

function storedObjects({ catalog, store }: Backend): Family {
  const stored = catalog.all.filter(
    ({ info, stored: { info: own } }) => info.storagePrefix !== undefined && own === info,
  );
  return {
    name: "apiserver_storage_objects",
    type: "gauge",
    help: "Stored objects by resource, as this server's caches hold them.",
    samples: stored.map((served) => {
      const { group, resource } = served.info;
      const labels = { resource: group === "" ? resource : `${resource}.${group}` };
      return { labels, value: store.cacheOf(served).size };
    }),
  };
}

function processFigures(): readonly Family[] {
  const { user, system } = process.cpuUsage();
  const heap = getHeapStatistics();
  const gauge = (name: string, help: string, value: number): Family => ({
    name,
    type: "gauge",
    help,
    samples: [{ value }],
  });
  return [
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "CPU time of the whole process, which all actors share.",
      samples: [{ value: (user + system) / MICROSECONDS }],
    },
    gauge(
      "process_resident_memory_bytes",
      "Memory of the whole process, which all actors share.",
      process.memoryUsage.rss(),
    ),
    gauge("nodejs_heap_size_total_bytes", "Heap of this server's own thread.", heap.total_heap_size),
    gauge("nodejs_heap_size_used_bytes", "What of it is in use.", heap.used_heap_size),
    gauge("nodejs_heap_size_limit_bytes", "What it may grow to.", heap.heap_size_limit),
    gauge("nodejs_external_memory_bytes", "Memory of this thread outside of its heap.", heap.external_memory),
  ];
}
