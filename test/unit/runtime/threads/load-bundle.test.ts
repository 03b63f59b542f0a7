import type * as fsModule from "node:fs";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { collectGarbage } from "../../../../runtime/threads/idle-collection.ts";
import type { LoadedBundle } from "../../../../runtime/threads/load-bundle.ts";
import { loadBundle } from "../../../../runtime/threads/load-bundle.ts";

/** Of what was read, in the order of the reading: how much at a time at most. */
const reads = vi.hoisted(() => new Map<string, number>());
const open = vi.hoisted(() => new Set<number>());
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof fsModule>();
  return {
    ...fs,
    openSync: (...all: Parameters<typeof fs.openSync>) => {
      const descriptor = fs.openSync(...all);
      open.add(descriptor);
      return descriptor;
    },
    closeSync: (descriptor: number) => {
      fs.closeSync(descriptor);
      open.delete(descriptor);
    },
    readSync: (...all: Parameters<typeof fs.readSync>) => {
      reads.set("in pieces", Math.max(reads.get("in pieces") ?? 0, all[1].byteLength));
      return fs.readSync(...all);
    },
    readFileSync: (...all: Parameters<typeof fs.readFileSync>) => {
      reads.set("whole", fs.statSync(all[0] as string).size);
      return fs.readFileSync(...all);
    },
  };
});

const FUNCTIONS = 20_000;
let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "inkube-test-bundle-"));
  file = join(directory, "bundle.cjs");
  reads.clear();
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  delete (globalThis as { loadedText?: string }).loadedText;
});

const cacheOf = (of: string): string => `${of}.${process.versions.v8}.${process.arch}.cache`;
const heldBytes = async (): Promise<number> => {
  await new Promise((resolve) => setImmediate(resolve));
  await collectGarbage();
  return process.memoryUsage().arrayBuffers;
};

describe("an actor's bundle", () => {
  it("is read in small pieces, whatever characters lie across two of them", () => {
    const text = "grün €, 円 and 🙂 ".repeat(20_000);
    writeFileSync(file, `globalThis.loadedText = ${JSON.stringify(text)};`);
    void loadBundle(file);
    expect((globalThis as { loadedText?: string }).loadedText).toBe(text);
    expect([...reads.keys()]).toEqual(["in pieces"]);
    expect(open.size).toBe(0);
    expect(reads.get("in pieces")).toBeLessThan(128 * 1_024);
  });

  it("holds nothing of its code cache once it is loaded, whether V8 took the cache or not", async () => {
    const functions = Array.from({ length: FUNCTIONS }, (_, index) => `function f${index}(a) { return a + ${index}; }`);
    const calls = functions.map((_, index) => `f${index}(1);`);
    writeFileSync(file, [...functions, ...calls].join("\n"));
    (loadBundle(file) as LoadedBundle).saveCache();
    const cacheBytes = statSync(cacheOf(file)).size;
    expect(cacheBytes).toBeGreaterThan(1_000_000);
    const before = await heldBytes();
    const taken = loadBundle(file) as LoadedBundle;
    expect(reads.get("whole")).toBe(cacheBytes);
    expect((await heldBytes()) - before).toBeLessThan(cacheBytes / 10);
    writeFileSync(cacheOf(file), new Uint8Array(cacheBytes));
    const refused = loadBundle(file) as LoadedBundle;
    expect((await heldBytes()) - before).toBeLessThan(cacheBytes / 10);
    // One that was taken is as good as new.
    taken.saveCache();
    expect(statSync(cacheOf(file)).size).toBe(cacheBytes);
    refused.saveCache();
    expect(readFileSync(cacheOf(file)).some((byte) => byte !== 0)).toBe(true);
    reads.clear();
    void loadBundle(file);
    expect(reads.get("whole")).toBeGreaterThan(1_000_000);
  });
});
