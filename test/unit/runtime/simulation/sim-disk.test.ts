import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Disk } from "../../../../runtime/disk.ts";
import { SimDisk } from "../../../../runtime/simulation/sim-disk.ts";
import { World } from "../../../../runtime/simulation/world.ts";

class Machine {
  readonly world: World;
  readonly storage: SimDisk;
  readonly disk: Disk;

  constructor(seed = 1) {
    this.world = new World({ seed });
    this.storage = new SimDisk(this.world, this.world.random("disk"));
    this.disk = this.storage.open(this.world.itself, "/simulated");
  }

  /** Runs the world until `work` is settled. */
  async do<T>(work: (disk: Disk) => Promise<T>): Promise<T> {
    let settled = false;
    const result = work(this.disk).finally(() => (settled = true));
    result.catch(() => undefined);
    await this.world.run({ untilUs: this.world.nowUs + 10_000_000, until: () => settled });
    if (!settled) throw new Error("it never ended");
    return result;
  }

  async code(work: (disk: Disk) => Promise<unknown>): Promise<string> {
    try {
      await this.do(work);
      return "none";
    } catch (error) {
      return hasCode(error) ? error.code : String(error);
    }
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string | undefined => content && new TextDecoder().decode(content);

describe("SimDisk", () => {
  it("reads what was written, with zeros in gaps, and takes time", async () => {
    const machine = new Machine();
    const content = await machine.do(async (disk) => {
      const file = await disk.open("a/b", { create: true });
      await file.write(2, bytes("xy"));
      await file.write(5, bytes("z"));
      expect(file.sizeBytes).toBe(6);
      await file.truncate(5);
      await file.write(6, bytes("!"));
      return file.read(0, 100);
    });
    expect([...content]).toEqual([0, 0, 120, 121, 0, 0, 33]);
    expect(machine.world.nowUs).toBeGreaterThan(100);
  });

  it("copies what it is given to write", async () => {
    const machine = new Machine();
    const buffer = bytes("abc");
    await machine.do(async (disk) => {
      const file = await disk.open("f", { create: true });
      const written = file.write(0, buffer);
      buffer.fill(0);
      await written;
    });
    expect(text(await machine.do((disk) => disk.read("f")))).toBe("abc");
  });

  it("lists, renames and removes files and directories as the thread's disk does", async () => {
    const machine = new Machine();
    const seen = await machine.do(async (disk) => {
      await disk.makeDirectory("empty/deep");
      for (const name of ["d/2", "d/1", "d/e/3"]) await disk.open(name, { create: true });
      const before = [await disk.list(""), await disk.list("d"), await disk.list("empty"), await disk.list("none")];
      await disk.rename("d/1", "x");
      await disk.remove("d");
      await disk.remove("none");
      return [...before, await disk.list(""), await disk.list("d"), await disk.read("d/2")];
    });
    expect(seen).toEqual([["d", "empty"], ["1", "2", "e"], ["deep"], [], ["empty", "x"], [], undefined]);
  });

  it("answers a missing file and a path that leaves the directory by their codes", async () => {
    const machine = new Machine();
    expect(await machine.code((disk) => disk.open("none"))).toBe("DISK_NOT_FOUND");
    expect(await machine.code((disk) => disk.rename("none", "x"))).toBe("DISK_NOT_FOUND");
    expect(await machine.code(async (disk) => disk.read("a/../../x"))).toBe("INVALID_ARGUMENT");
  });
});

describe("a crash", () => {
  it("keeps what was synced, in a file whose name was synced, with every seed", async () => {
    for (let seed = 0; seed < 50; seed++) {
      const machine = new Machine(seed);
      await machine.do(async (disk) => {
        const file = await disk.open("log", { create: true });
        await file.write(0, bytes("durable"));
        await file.sync();
        await disk.syncDirectory("");
        await file.write(0, bytes("DURABLE"));
        await file.write(7, bytes(" and more"));
      });
      machine.storage.crash();
      const content = text(await machine.do((disk) => disk.read("log")));
      expect(content).toMatch(/^(durable|DURABLE)/);
    }
  });

  it("sometimes loses a synced file whose name was not synced, and sometimes not", async () => {
    const outcomes = new Set<string | undefined>();
    for (let seed = 0; seed < 30; seed++) {
      const machine = new Machine(seed);
      await machine.do(async (disk) => {
        const file = await disk.open("log", { create: true });
        await file.write(0, bytes("x"));
        await file.sync();
      });
      machine.storage.crash();
      outcomes.add(text(await machine.do((disk) => disk.read("log"))));
    }
    expect([...outcomes].map(String).toSorted()).toEqual(["undefined", "x"]);
  });

  it("does not cover a write that had not ended when the sync was asked for", async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const machine = new Machine(seed);
      await machine.do(async (disk) => {
        const file = await disk.open("log", { create: true });
        await disk.syncDirectory("");
        await Promise.all([file.write(0, bytes("x")), file.sync()]);
      });
      machine.storage.crash();
      outcomes.add(text(await machine.do((disk) => disk.read("log"))) ?? "none");
    }
    expect([...outcomes].map(String).toSorted()).toEqual(["", "x"]);
  });

  it("tears a write in whole sectors", async () => {
    let torn = 0;
    for (let seed = 0; seed < 60; seed++) {
      const machine = new Machine(seed);
      await machine.do(async (disk) => {
        const file = await disk.open("log", { create: true });
        await file.write(0, new Uint8Array(2_048));
        await file.sync();
        await disk.syncDirectory("");
        await file.write(100, new Uint8Array(1_900).fill(1));
      });
      machine.storage.crash();
      const content = (await machine.do((disk) => disk.read("log")))!;
      const sectors = [
        content.slice(100, 512),
        content.slice(512, 1_024),
        content.slice(1_024, 1_536),
        content.slice(1_536, 2_000),
      ];
      const values = sectors.map((sector) => new Set(sector));
      for (const found of values) expect(found.size).toBe(1);
      if (new Set(values.map((found) => [...found][0])).size === 2) torn++;
    }
    expect(torn).toBeGreaterThan(5);
  });

  it("replaces a file by pieces, each of which may be written over once the next is taken", async () => {
    const buffer = new Uint8Array(1);
    const pieces = function* (): Generator<Uint8Array> {
      for (const letter of "pieces") yield buffer.fill(letter.charCodeAt(0));
    };
    const machine = new Machine(1);
    await machine.do((disk) => disk.replace("state", pieces()));
    expect(text(await machine.do((disk) => disk.read("state")))).toBe("pieces");
  });

  it("leaves the old content or the new one of a replaced file, and the new one when it resolved", async () => {
    const outcomes = new Set<string | undefined>();
    for (let seed = 0; seed < 80; seed++) {
      const machine = new Machine(seed);
      await machine.do((disk) => disk.replace("state", bytes("old")));
      let resolved = false;
      void machine.disk.replace("state", bytes("new")).then(() => (resolved = true));
      await machine.world.run({ untilUs: machine.world.nowUs + 60 * seed });
      const acknowledged = resolved;
      machine.storage.crash();
      const content = text(await machine.do((disk) => disk.read("state")));
      outcomes.add(content);
      if (acknowledged) expect(content).toBe("new");
    }
    expect([...outcomes].map(String).toSorted()).toEqual(["new", "old"]);
  });

  it("keeps a prefix of the names that were changed, whatever they were", async () => {
    const change = fc.record({ kind: fc.constantFrom("make", "remove", "rename"), from: fc.nat(3), to: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), fc.nat(1_000), async (changes, seed) => {
        const machine = new Machine(seed);
        const states = [JSON.stringify([])];
        for (const { kind, from, to } of changes) {
          await machine.do(async (disk) => {
            if (kind === "make") await disk.open(`f${from}`, { create: true });
            else if (kind === "remove") await disk.remove(`f${from}`);
            else if ((await disk.read(`f${from}`)) !== undefined) await disk.rename(`f${from}`, `f${to}`);
          });
          states.push(JSON.stringify(machine.storage.files()));
        }
        machine.storage.crash();
        expect(states).toContain(JSON.stringify(machine.storage.files()));
      }),
      { numRuns: 200 },
    );
  });
});

describe("disk faults", () => {
  it("fails writes when full, and nothing else", async () => {
    const machine = new Machine();
    machine.storage.setFault({ kind: "full" });
    expect(await machine.code((disk) => disk.replace("a", bytes("x")))).toBe("DISK_FULL");
    expect(await machine.code((disk) => disk.list(""))).toBe("none");
    machine.storage.setFault(undefined);
    expect(await machine.code((disk) => disk.replace("a", bytes("x")))).toBe("none");
  });

  it("makes a failed sync final for its file", async () => {
    const machine = new Machine();
    const file = await machine.do((disk) => disk.open("a", { create: true }));
    machine.storage.setFault({ kind: "error", operations: ["sync"] });
    expect(await machine.code(() => file.sync())).toBe("DISK_FAILED");
    machine.storage.setFault(undefined);
    expect(await machine.code(() => file.write(0, bytes("x")))).toBe("DISK_FAILED");
    expect(await machine.code(() => file.sync())).toBe("DISK_FAILED");
  });

  it("stalls everything until it is cured", async () => {
    const machine = new Machine();
    machine.storage.setFault({ kind: "stall" });
    let done = false;
    void machine.disk.replace("a", bytes("x")).then(() => (done = true));
    await machine.world.run({ untilUs: 60_000_000 });
    expect(done).toBe(false);
    machine.storage.setFault(undefined);
    await machine.world.run({ untilUs: 61_000_000 });
    expect(done).toBe(true);
  });

  it("flips one bit that stays flipped", async () => {
    const machine = new Machine();
    await machine.do((disk) => disk.replace("a", new Uint8Array(100)));
    expect(machine.storage.flipBit("a")).toBe(true);
    expect(machine.storage.flipBit("none")).toBe(false);
    machine.storage.crash();
    const content = (await machine.do((disk) => disk.read("a")))!;
    const ones = [...content].map((byte) => byte.toString(2).replaceAll("0", "").length);
    expect(ones.reduce((sum, count) => sum + count, 0)).toBe(1);
  });
});
