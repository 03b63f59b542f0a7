import { describe, expect, it } from "vitest";
import type { Disk } from "../../../../runtime/disk.ts";
import { NO_FAULTS } from "../../../../runtime/faults/boundary.ts";
import { FaultBoundary } from "../../../../runtime/faults/boundary.ts";
import { FaultyDisk } from "../../../../runtime/faults/faulty-disk.ts";
import type { DiskFault } from "../../../../runtime/faults/plan.ts";
import { World } from "../../../../runtime/simulation/world.ts";

const CONTENT = "what is written in pieces";

/** A disk with these faults in force, and what it passes on. */
function diskWith(...faults: readonly DiskFault[]): { readonly disk: Disk; readonly passedOn: unknown[] } {
  const world = new World({ seed: 1 });
  const boundary = new FaultBoundary("a", {
    random: (label) => world.random(label),
    after: (_, action) => action(),
    nowMs: () => 0,
    die: () => undefined,
    struck: () => undefined,
    over: () => undefined,
  });
  boundary.set({ ...NO_FAULTS, disk: faults });
  const passedOn: unknown[] = [];
  const inner = { root: "/", replace: async (_: string, content: unknown) => void passedOn.push(content) };
  return { disk: new FaultyDisk(inner as unknown as Disk, boundary), passedOn };
}

function* pieces(): Generator<Uint8Array> {
  const buffer = new Uint8Array(1);
  for (const letter of CONTENT) yield buffer.fill(letter.charCodeAt(0));
}

describe("a file that is replaced by pieces", () => {
  it("is passed on piece by piece while no fault is in force", async () => {
    const { disk, passedOn } = diskWith();
    const content = pieces();
    await disk.replace("file", content);
    expect(passedOn.length).toBe(1);
    expect(passedOn[0]).toBe(content);
  });

  it("has one bit flipped in all of it by a fault that flips one", async () => {
    const { disk, passedOn } = diskWith({ id: "f", kind: "disk-bit-flip", at: "a", chance: 1 } as DiskFault);
    await disk.replace("file", pieces());
    const written = passedOn[0] as Uint8Array;
    const flipped = [...Buffer.from(CONTENT)].map((byte, at) => (byte ^ written[at]!).toString(2).replaceAll("0", ""));
    expect(flipped.join("")).toBe("1");
    expect(written.length).toBe(CONTENT.length);
  });
});
