import { describe, expect, it } from "vitest";
import {
  cpuMsOfSchedstat,
  cpuMsOfStat,
  residentBytes,
  usageOfGroups,
} from "../../../../../actors/container-runtime/core/usage.ts";

describe("what the system tells of usage", () => {
  it("is in /proc/pid/stat behind a name that may hold anything", () => {
    const head = "4711 (a) b (c)) S 1 4711 4711 0 -1 4194304 1200 300 0 0";
    expect(cpuMsOfStat(`${head} 250 50 7 3 20 0 11 0 8814 1000 2000`)).toBe(3_100);
  });

  it("is in /proc/pid/task/tid/schedstat as nanoseconds", () => {
    expect(cpuMsOfSchedstat("21500000 1200 33\n")).toBe(21.5);
  });

  it("is in /proc/pid/status as kilobytes, and nothing of a process without memory", () => {
    expect(residentBytes("Name:\tsh\nVmHWM:\t  2048 kB\nVmRSS:\t    1024 kB\n")).toBe(1_048_576);
    expect(residentBytes("Name:\tkthreadd\n")).toBe(0);
  });

  it("comes by groups from ps, in each of its forms of time", () => {
    const text = "  100   0:01.50  1024\n  100 01:00:02   512\n  200 2-00:00:01 8\n\n";
    expect([...usageOfGroups(text)]).toEqual([
      [100, { cpuMs: 3_603_500, memoryBytes: 1_572_864 }],
      [200, { cpuMs: 172_801_000, memoryBytes: 8_192 }],
    ]);
  });
});
