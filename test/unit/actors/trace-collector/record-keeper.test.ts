/** The keeper over a simulated disk: what it has taken is read again, whatever happens to the disk, to it and to the program. */
import { describe, expect, it } from "vitest";
import { checksum } from "../../../../actors/trace-collector/io/checksum.ts";
import { unpack } from "../../../../actors/trace-collector/io/pack.ts";
import type { SegmentClass } from "../../../../actors/trace-collector/core/segments/format.ts";
import { decodeSegment, encodeGap } from "../../../../actors/trace-collector/core/segments/format.ts";
import { RECORD_DIRECTORY, RecordFiles } from "../../../../actors/trace-collector/record-files.ts";
import type { KeeperHome } from "../../../../actors/trace-collector/record-keeper.ts";
import { RecordKeeper } from "../../../../actors/trace-collector/record-keeper.ts";
import type { TraceRecord } from "../../../../actors/trace-collector/core/record.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Disk, DiskFile } from "../../../../runtime/disk.ts";
import type { EventOwner } from "../../../../runtime/simulation/event-queue.ts";
import { SimDisk } from "../../../../runtime/simulation/sim-disk.ts";
import { World } from "../../../../runtime/simulation/world.ts";
import { RecordedActors } from "../../../fixtures/recorded.ts";

const SMALL: KeeperHome["limits"] = {
  segmentBytes: 16_384,
  bytesMax: { messages: 65_536, events: 32_768, objects: 65_536 },
};

class Machine {
  readonly world = new World({ seed: 5 });
  readonly storage: SimDisk = new SimDisk(this.world, this.world.random("disk"));
  readonly told: string[] = [];
  private owner: EventOwner = this.newOwner();

  private newOwner(): EventOwner {
    return { alive: true, hanging: undefined, crash: (error) => this.world.itself.crash(error) };
  }

  /** How many of so many bytes a write takes before it fails; all of them when it does not. */
  onWrite: (bytes: number) => number = (bytes) => bytes;

  get disk(): Disk {
    const disk = this.storage.open(this.owner, "/simulated");
    const failing = (file: DiskFile): DiskFile =>
      Object.create(file, {
        write: {
          value: async (position: number, bytes: Uint8Array): Promise<void> => {
            const taken = this.onWrite(bytes.length);
            await file.write(position, bytes.subarray(0, taken));
            if (taken < bytes.length) throw new InkubeError("DISK_FULL", "no space is left");
          },
        },
      }) as DiskFile;
    return Object.create(disk, {
      open: { value: async (...of: Parameters<Disk["open"]>) => failing(await disk.open(...of)) },
    }) as Disk;
  }

  keeper(actors: RecordedActors, limits: KeeperHome["limits"] = SMALL): RecordKeeper {
    const { world, told } = this;
    const clock = {
      monotonicMs: () => world.nowUs / 1_000,
      after: () => ({ cancel: () => undefined }),
    } as unknown as KeeperHome["clock"];
    const tell = (message: string): void => void told.push(message);
    const log = { debug: tell, info: tell, warn: tell, error: tell };
    return new RecordKeeper({ rings: actors.rings, disk: this.disk, limits, checksum, clock, log, unpack });
  }

  /** The end of what runs, not of the machine: what the disk was given stays. */
  kill(): void {
    this.owner.alive = false;
    this.owner = this.newOwner();
  }

  async do<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    void work.finally(() => (settled = true)).catch(() => undefined);
    await this.world.run({ untilUs: this.world.nowUs + 10_000_000, until: () => settled });
    if (!settled) throw new Error("it never ended");
    return work;
  }

  async read(keeper: RecordKeeper): Promise<TraceRecord> {
    return (await this.do(keeper.record())).record;
  }

  sleep(ms: number): Promise<void> {
    return this.world.run({ untilUs: this.world.nowUs + ms * 1_000 }) as Promise<never>;
  }

  async bytesOf(of: SegmentClass): Promise<number> {
    let bytes = 0;
    for (const name of await this.do(this.disk.list(RECORD_DIRECTORY))) {
      if (name.startsWith(of)) bytes += (await this.do(this.disk.read(`${RECORD_DIRECTORY}/${name}`)))?.length ?? 0;
    }
    return bytes;
  }
}

const subjects = (record: TraceRecord): readonly string[] =>
  record.events.filter(({ kind }) => kind === "write").map(({ subject }) => subject);

describe("RecordKeeper", () => {
  it("takes each event once, messages and others, and finds them by name, subject, actor, kind and cause", async () => {
    const machine = new Machine();
    const actors = new RecordedActors(["api", "etcd"]);
    const keeper = machine.keeper(actors);
    actors.messages("api", 3);
    const asked = actors.event("api", "request.create", "pods/default/a");
    await machine.do(keeper.take());
    actors.messages("etcd", 2, "api");
    const written = actors.event("etcd", "write", "pods/default/a", asked);
    await machine.do(keeper.take());
    const record = await machine.read(keeper);
    expect(record.events.map(({ actor, sequence }) => `${actor}#${sequence}`).sort()).toEqual([
      "api#1",
      "api#2",
      "api#3",
      "api#4",
      "etcd#1",
      "etcd#2",
      "etcd#3",
    ]);
    expect(record.named(written)).toMatchObject({ kind: "write", cause: asked, detail: "action=put", timeMs: 1_000 });
    expect(record.named("api#2")).toMatchObject({ kind: "call", subject: "request", peer: "cluster" });
    expect(record.about("pods/default/a").map(({ kind }) => kind)).toEqual(["request.create", "write"]);
    expect(record.of("etcd", new Set(["call"]))).toHaveLength(2);
    expect(record.ofKind(new Set(["write"])).map(({ actor }) => actor)).toEqual(["etcd"]);
    expect(record.effectsOf(record.named(asked)!).map(({ kind }) => kind)).toEqual(["write"]);
    expect(record.gaps).toEqual([]);
  });

  it("keeps events through a flood of messages, stays within its bounds, and tells what was driven out", async () => {
    const machine = new Machine();
    const actors = new RecordedActors(["api"]);
    const keeper = machine.keeper(actors);
    actors.event("api", "write", "pods/default/first");
    for (let round = 0; round < 60; round++) {
      actors.messages("api", 100);
      await machine.do(keeper.take());
    }
    const record = await machine.read(keeper);
    expect(subjects(record)).toEqual(["pods/default/first"]);
    const [gap] = record.gaps;
    expect(gap).toEqual({ actor: "api", after: 0, lost: 6_001 - record.events.length });
    expect(gap!.lost).toBeGreaterThan(1_000);
    expect(await machine.bytesOf("messages")).toBeLessThanOrEqual(SMALL.bytesMax.messages);
    expect(await machine.bytesOf("messages")).toBeGreaterThan(SMALL.bytesMax.messages / 2);
    for (let count = 0; count < 1_500; count++) {
      actors.event("api", "write", `pods/default/p-${count}`);
      if (count % 50 === 0) await machine.do(keeper.take());
    }
    expect(subjects(await machine.read(keeper)).at(-1)).toBe("pods/default/p-1499");
    expect(await machine.bytesOf("events")).toBeLessThanOrEqual(SMALL.bytesMax.events);
  });

  it("tells as a gap what a recorder overwrote before it was taken", async () => {
    const machine = new Machine();
    const actors = new RecordedActors(["api"]);
    const keeper = machine.keeper(actors);
    actors.event("api", "write", "pods/default/a");
    await machine.do(keeper.take());
    actors.messages("api", 2_000);
    const record = await machine.read(keeper);
    expect(record.gaps).toEqual([{ actor: "api", after: 1, lost: 2_001 - record.events.length }]);
    expect(record.gaps[0]!.lost).toBeGreaterThan(1_000);
  });

  it("goes on where one that was killed had come to, whenever that was", async () => {
    for (let afterMs = 0.02; afterMs < 0.5; afterMs += 0.02) {
      const machine = new Machine();
      const actors = new RecordedActors(["api"]);
      const first = machine.keeper(actors);
      actors.event("api", "write", "pods/default/a");
      await machine.do(first.take());
      actors.messages("api", 3);
      actors.event("api", "write", "pods/default/b");
      // What it has written and not noted any more the next one takes again.
      void first.take();
      await machine.sleep(afterMs);
      machine.kill();
      const second = machine.keeper(actors);
      actors.event("api", "write", "pods/default/c");
      const record = await machine.read(second);
      expect(record.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(record.gaps).toEqual([]);
    }
  });

  it("puts the next run of its program behind, under names of its own", async () => {
    const machine = new Machine();
    const actors = new RecordedActors(["api"]);
    const asked = actors.event("api", "request.create", "pods/default/a");
    actors.event("api", "write", "pods/default/a", asked);
    actors.event("api", "write", "pods/default/b", asked);
    await machine.do(machine.keeper(actors).take());
    machine.kill();
    const anew = new RecordedActors(["api"]);
    anew.nowMs = 2_000;
    const third = machine.keeper(anew);
    anew.event("api", "write", "pods/default/c", anew.event("api", "timer", "resync"));
    const record = await machine.read(third);
    expect(subjects(record)).toEqual(["pods/default/a", "pods/default/b", "pods/default/c"]);
    const kindsOf = (subject: string): readonly string[] =>
      record.chainOf(record.about(subject).at(-1)!).map(({ kind }) => kind);
    expect(kindsOf("pods/default/c")).toEqual(["write", "timer"]);
    expect(kindsOf("pods/default/b")).toEqual(["write", "request.create"]);
    expect(record.named("api#2")).toMatchObject({ subject: "pods/default/c" });
    expect(record.events.map(({ sequence }) => sequence)).toEqual([-2, -1, 0, 1, 2]);
    for (const event of record.events) expect(record.named(`api#${event.sequence}`)).toEqual(event);
    expect(record.effectsOf(record.named("api#-2")!)).toHaveLength(2);
    expect(record.gaps).toEqual([]);
  });

  it("goes on when the disk is full, answers from the recorders, and records again when there is room", async () => {
    const machine = new Machine();
    const actors = new RecordedActors(["api"]);
    const keeper = machine.keeper(actors);
    actors.event("api", "write", "pods/default/before");
    await machine.do(keeper.take());
    machine.storage.setFault({ kind: "full" });
    actors.event("api", "write", "pods/default/while");
    await machine.do(keeper.take());
    expect(machine.told).toEqual(["the trace is not recorded on the disk any more"]);
    expect(subjects(await machine.read(keeper))).toEqual(["pods/default/before", "pods/default/while"]);
    actors.messages("api", 2_000);
    await machine.sleep(1_000);
    await machine.do(keeper.take());
    machine.storage.setFault(undefined);
    await machine.sleep(1_000);
    actors.event("api", "write", "pods/default/after");
    await machine.do(keeper.take());
    expect(machine.told).toEqual([
      "the trace is not recorded on the disk any more",
      "the trace is recorded on the disk again",
    ]);
    machine.kill();
    const record = await machine.read(machine.keeper(actors));
    expect(subjects(record)).toEqual(["pods/default/before", "pods/default/after"]);
    expect(record.gaps).toEqual([{ actor: "api", after: 1, lost: 2_003 - record.events.length }]);
  });

  it("has each event once, whole and with its names, whichever write the disk took half of", async () => {
    for (let failing = 1; failing <= 8; failing++) {
      const machine = new Machine();
      const actors = new RecordedActors(["api", "etcd"]);
      let writes = 0;
      machine.onWrite = (bytes) => (++writes === failing ? bytes >> 1 : bytes);
      const keeper = machine.keeper(actors);
      for (let round = 0; round < 4; round++) {
        // The second round has fewer bytes than what was written of the first.
        const count = round === 0 ? 40 : 1;
        for (const actor of ["api", "etcd"]) {
          actors.messages(actor, count, `peer-${round}`);
          actors.event(actor, "write", `pods/default/${actor}-${round}`);
        }
        await machine.do(keeper.take());
        await machine.sleep(1_000);
      }
      await machine.do(keeper.take());
      machine.kill();
      const { record, damages } = await machine.do(machine.keeper(actors).record());
      const of = (actor: string): readonly string[] =>
        record.of(actor).map(({ sequence, peer, subject }) => `${sequence} ${peer} ${subject}`);
      for (const actor of ["api", "etcd"]) {
        const expected = [0, 1, 2, 3].flatMap((round) => [
          ...Array<string>(round === 0 ? 40 : 1).fill(`peer-${round} request`),
          ` pods/default/${actor}-${round}`,
        ]);
        expect(of(actor), `write ${failing}`).toEqual(expected.map((text, index) => `${index + 1} ${text}`));
      }
      expect([damages, record.gaps], `write ${failing}`).toEqual([[], []]);
    }
  });

  it("starts on a disk that can't be used yet, and uses it later", async () => {
    const machine = new Machine();
    const actors = new RecordedActors(["api"]);
    machine.storage.setFault({ kind: "error", operations: ["list", "open", "write"] });
    const keeper = machine.keeper(actors);
    actors.event("api", "write", "pods/default/a");
    expect(subjects(await machine.read(keeper))).toEqual(["pods/default/a"]);
    machine.storage.setFault(undefined);
    await machine.sleep(1_000);
    await machine.do(keeper.take());
    machine.kill();
    expect(subjects(await machine.read(machine.keeper(actors)))).toEqual(["pods/default/a"]);
  });
});

describe("RecordFiles", () => {
  it("leaves nothing of a write that the disk took half of, when what comes instead is shorter", async () => {
    const machine = new Machine();
    const files = await machine.do(RecordFiles.open(machine.disk, SMALL, checksum, true));
    const gap = (after: number): Uint8Array => encodeGap({ actor: "api", after, lost: 1 }, checksum);
    await machine.do(files.append("objects", 1, [gap(1)]));
    machine.onWrite = (bytes) => bytes - 20;
    await expect(machine.do(files.append("objects", 1, [gap(2), gap(3), gap(4)]))).rejects.toMatchObject({
      code: "DISK_FULL",
    });
    machine.onWrite = (bytes) => bytes;
    await machine.do(files.append("objects", 1, [gap(5)]));
    const [{ name, bytes } = { name: "", bytes: 0 }] = files.files;
    const content = await machine.do(files.read(name));
    expect(content).toHaveLength(bytes);
    const { gaps, damages, tornBytes } = decodeSegment(content!, name, checksum);
    expect([gaps.map(({ after }) => after), damages, tornBytes]).toEqual([[1, 5], [], 0]);
  });
});
