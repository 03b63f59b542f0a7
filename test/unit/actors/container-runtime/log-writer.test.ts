import { beforeEach, expect, it } from "vitest";
import type { LogLine } from "../../../../actors/container-runtime/core/log-format.ts";
import { renderLog } from "../../../../actors/container-runtime/core/log-format.ts";
import { LogWriter, readLogFiles } from "../../../../actors/container-runtime/log-writer.ts";
import { SimulationHost } from "../../../../runtime/simulation/simulation-host.ts";
import { BACKOFF, INTENSITY } from "../../../../runtime/supervisor/spec.ts";

const PATH = "logs/default_web_u/main/0.log";
const LIMITS = { logFileBytesMax: 1_000, logFilesMax: 3, logBufferBytesMax: 10_000 };
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (log: readonly LogLine[]): string => new TextDecoder().decode(renderLog(log, {}));

let host: SimulationHost;
beforeEach(() => {
  const spec = { name: "root", strategy: "one_for_one" as const, intensity: INTENSITY, backoff: BACKOFF, children: [] };
  host = new SimulationHost({ seed: 1, spec, definitions: {} });
});

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join("");
}

it("keeps the newest files and drops the oldest, without losing a line in between", async () => {
  const writer = new LogWriter(host.context, PATH, LIMITS);
  await host.settle(async () => {
    for (let batch = 0; batch < 20; batch++) {
      await writer.write("stdout", bytes(lines(batch * 10, batch * 10 + 10)));
      await writer.flushed();
    }
    await writer.end();
  });
  const files = await host.settle(() => host.context.disk.list("logs/default_web_u/main"));
  expect(files.length).toBeLessThanOrEqual(LIMITS.logFilesMax);
  const kept = text(await host.settle(() => readLogFiles(host.context, PATH)));
  const first = Number(/^line (\d+)/.exec(kept)?.[1]);
  expect(first).toBeGreaterThan(0);
  expect(kept).toBe(lines(first, 200));
});

it("shows who follows each line once: those before by reading, those after as they come", async () => {
  const writer = new LogWriter(host.context, PATH, { ...LIMITS, logFileBytesMax: 1_000_000 });
  const live: LogLine[] = [];
  let isOver = false;
  const before = await host.settle(async () => {
    await writer.write("stdout", bytes(lines(0, 5)));
    const reading = writer.readAndFollow((batch) => {
      live.push(...batch);
      isOver ||= batch.length === 0;
    });
    await writer.write("stdout", bytes(lines(5, 8)));
    const { lines: read } = await reading;
    await writer.write("stderr", bytes("line 8\nline 9"));
    await writer.end();
    return read;
  });
  // The last line had no end, and gets none.
  expect(text([...before, ...live])).toBe(lines(0, 10).trimEnd());
  expect(isOver).toBe(true);
});

it("makes a container wait that writes faster than the disk", async () => {
  const writer = new LogWriter(host.context, PATH, { ...LIMITS, logBufferBytesMax: 100 });
  let hasWaited = false;
  await host.settle(async () => {
    const waiting = writer.write("stdout", bytes(lines(0, 50))).then(() => (hasWaited = true));
    await Promise.resolve();
    expect(hasWaited).toBe(false);
    await waiting;
    await writer.end();
  });
  expect(hasWaited).toBe(true);
});
