/** Who filters the trace is told which kinds there are: so every kind that is recorded must be among them. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TRACE_KINDS } from "../../protocols/trace-collector.ts";

const root = new URL("../..", import.meta.url).pathname;

/** Kinds that a source records by name; those made of parts are not seen. */
function recordedIn(text: string): readonly string[] {
  const recorded = /\b(?:trace\.event|trace\.later|recorder\.event|recorder\.record)\(\s*([^\n,]*"[a-z.-]+"[^\n,]*),/g;
  return [...text.matchAll(recorded)].flatMap(([, kind]) =>
    [...kind!.matchAll(/"([a-z.-]+)"/g)].map((found) => found[1]!),
  );
}

describe("the kinds of the trace", () => {
  it("are told whole to those who filter by them", () => {
    const kinds = ["actors", "runtime"].flatMap((layer) =>
      readdirSync(join(root, layer), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
        .flatMap((entry) => recordedIn(readFileSync(join(entry.parentPath, entry.name), "utf8"))),
    );
    expect(kinds.length).toBeGreaterThan(15);
    expect(kinds.filter((kind) => !TRACE_KINDS.includes(kind))).toEqual([]);
  });

  it("are found in a source, in one line or several, and where there are two", () => {
    expect(recordedIn('ctx.trace.event(\n  "scheduled",\n  pod,\n);')).toEqual(["scheduled"]);
    expect(recordedIn('this.ctx.trace.event(leader === 0 ? "lost" : "known", term);')).toEqual(["lost", "known"]);
    expect(recordedIn('recorder.record("down", peer, peer, "", "");')).toEqual(["down"]);
  });
});
