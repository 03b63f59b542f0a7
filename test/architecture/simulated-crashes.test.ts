/** No test of a simulated control plane may pass while its actors crash and are restarted. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("../simulation", import.meta.url).pathname;

/** Hosts that a source makes and neither puts under watch nor judges by their crashes. */
export function unwatchedIn(text: string): number {
  const made = text.match(/\bnew (?:SimulationHost|SimulatedCluster)\(/g)?.length ?? 0;
  const watched = text.match(/\b(?:watchCrashes|judged)\(/g)?.length ?? 0;
  return Math.max(0, made - watched);
}

describe("every host under test/simulation", () => {
  it("is watched for crashes", () => {
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const texts = files.map((name) => [name, readFileSync(join(root, name), "utf8")] as const);
    expect(texts.filter(([, text]) => /new SimulationHost\(/.test(text)).length).toBeGreaterThan(3);
    expect(texts.filter(([, text]) => unwatchedIn(text) > 0).map(([name]) => name)).toEqual([]);
  });

  it("is found when it is not", () => {
    expect(unwatchedIn("const host = new SimulationHost({ seed });")).toBe(1);
    expect(unwatchedIn("const host = watchCrashes(new SimulationHost({ seed }));")).toBe(0);
  });
});
