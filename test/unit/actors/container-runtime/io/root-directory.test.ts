import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ContainerSpec } from "../../../../../actors/container-runtime/driver.ts";
import { prepareRoot } from "../../../../../actors/container-runtime/io/root-directory.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "inkube-root-"))));
afterEach(() => rmSync(root, { recursive: true }));

const deep = "/a".repeat(1_500);
const mount = (containerPath: string, hostPath = "/tmp"): ContainerSpec["mounts"][number] => ({
  containerPath,
  hostPath,
  readonly: false,
});

it.each<[string, Partial<ContainerSpec>]>([
  ["a mount path", { mounts: [mount(deep)] }],
  ["a volume's place", { mounts: [mount("/data", deep)] }],
  ["a working directory", { workingDir: deep }],
  ["a termination log", { terminationMessagePath: deep }],
])("%s that would take seconds to make is refused before anything is made", (_what, wish) => {
  const spec = { root, mounts: [], env: {}, ...wish } as unknown as ContainerSpec;
  expect(() => prepareRoot(spec)).toThrow("more than 100 names in a path: /a/a");
  expect(readdirSync(root)).toEqual([]);
});

it("a thousand mounts are made, and not one more", () => {
  const mounts = Array.from({ length: 1_001 }, (_, i) => mount(`/data/${i}`));
  const spec = { root, mounts, env: {} } as unknown as ContainerSpec;
  expect(() => prepareRoot(spec)).toThrow("more than 1000 volume mounts: 1001");
  prepareRoot({ ...spec, mounts: mounts.slice(1) });
  expect(readdirSync(join(root, "data"))).toHaveLength(1_000);
});
