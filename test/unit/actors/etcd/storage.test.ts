/** A member's disk, cut off at every operation of a history: by the end of the process, and by that of the machine. */
import { Metrics } from "../../../../runtime/metrics/metrics.ts";
import { describe, expect, it } from "vitest";
import { invariant } from "../../../../actors/etcd/core/bytes.ts";
import { RaftLog } from "../../../../actors/etcd/core/raft/log.ts";
import type { Entry, HardState, Persist, Snapshot } from "../../../../actors/etcd/core/raft/types.ts";
import type { SnapshotMark } from "../../../../actors/etcd/core/wal/segment.ts";
import { encodeSnapshot } from "../../../../actors/etcd/core/wal/snapshot-file.ts";
import type { EtcdOptions } from "../../../../actors/etcd/spec.ts";
import { ETCD_DEFAULTS } from "../../../../actors/etcd/spec.ts";
import { Storage } from "../../../../actors/etcd/storage.ts";
import type { Context } from "../../../../runtime/actor.ts";
import type { Random } from "../../../../runtime/random.ts";
import type { EventOwner } from "../../../../runtime/simulation/event-queue.ts";
import type { DiskOperation } from "../../../../runtime/simulation/sim-disk.ts";
import { SimDisk } from "../../../../runtime/simulation/sim-disk.ts";
import { membershipOf } from "../../../fixtures/membership.ts";
import { World } from "../../../../runtime/simulation/world.ts";

const MEMBERSHIP = membershipOf([1, 2, 3]);
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Everything stops before the operation of that number. */
class CuttingDisk extends SimDisk {
  operations = 0;
  cutAt = Infinity;
  isCut = false;

  override perform<T>(owner: EventOwner, operation: DiskOperation, effect: () => T): Promise<T> {
    if (this.operations++ >= this.cutAt) this.isCut = true;
    return this.isCut ? new Promise<T>(() => undefined) : super.perform(owner, operation, effect);
  }
}

class Machine {
  readonly world: World;
  readonly disk: CuttingDisk;
  private owner: EventOwner;

  constructor(seed: number) {
    this.world = new World({ seed });
    this.disk = new CuttingDisk(this.world, this.world.random("disk"));
    this.owner = this.newOwner();
  }

  private newOwner(): EventOwner {
    return { alive: true, hanging: undefined, crash: (error) => this.world.itself.crash(error) };
  }

  storage(options: Partial<EtcdOptions> = {}): Storage {
    const ctx = {
      disk: this.disk.open(this.owner, "/simulated"),
      options: { ...ETCD_DEFAULTS, segmentBytes: 1_500, name: "etcd-0", members: ["etcd-0"], ...options },
      log: SILENT,
      metrics: new Metrics(),
      clock: {
        monotonicMs: () => 0,
        sleep: (ms: number) => new Promise<void>((go) => this.world.schedule(ms * 1_000, this.owner, go)),
      },
    };
    return new Storage(ctx as unknown as Context<EtcdOptions>);
  }

  /** Ends what runs; `power`: what was not synced may be lost as well. */
  crash(power: boolean): void {
    this.owner.alive = false;
    this.owner = this.newOwner();
    if (power) this.disk.crash();
    this.disk.isCut = false;
    this.disk.cutAt = Infinity;
  }

  /** Runs `work` to its end, or until the disk is cut off: then undefined. */
  async do<T>(work: () => Promise<T>): Promise<T | undefined> {
    let settled = false;
    const result = work().finally(() => (settled = true));
    result.catch(() => undefined);
    await this.world.run({ untilUs: this.world.nowUs + 60_000_000, until: () => settled || this.disk.isCut });
    if (settled) return result;
    invariant(this.disk.isCut, "it ended");
    return undefined;
  }
}

/** What a disk says after a restart. */
interface State {
  readonly snapshot: SnapshotMark;
  readonly entries: readonly (readonly [index: number, term: number])[];
  readonly hardState: HardState;
}

const NEW: State = {
  snapshot: { index: 0, term: 0 },
  entries: [],
  hardState: { term: 0, vote: 0, commit: 0 },
};

const termOf = ({ snapshot, entries }: State, index: number): number | undefined =>
  index === snapshot.index ? snapshot.term : entries.find(([at]) => at === index)?.[1];
const lastOf = ({ snapshot, entries }: State): number => entries[entries.length - 1]?.[0] ?? snapshot.index;

/** What a snapshot on the disk makes of a log: what follows its last entry stays, anything else was of another history. */
function withSnapshot(state: State, mark: SnapshotMark): State {
  if (mark.index <= state.snapshot.index) return state;
  const entries = termOf(state, mark.index) === mark.term ? state.entries.filter(([index]) => index > mark.index) : [];
  const behind = state.hardState.term < mark.term;
  const hardState = behind ? { ...state.hardState, term: mark.term, vote: 0 } : state.hardState;
  return { snapshot: { index: mark.index, term: mark.term }, entries, hardState };
}

function withPersist(state: State, persist: Persist): State {
  let entries = persist.snapshot === undefined ? state.entries : withSnapshot(state, persist.snapshot).entries;
  for (const { index, term } of persist.entries) entries = [...entries.filter(([at]) => at < index), [index, term]];
  const { index, term } = persist.snapshot ?? state.snapshot;
  return { snapshot: { index, term }, entries, hardState: persist.hardState };
}

type Step = { readonly persist: Persist } | { readonly save: SnapshotMark; readonly beside: Persist };

const entry = (index: number, term: number, size: number): Entry => ({
  index,
  term,
  type: "command",
  data: new Uint8Array(size).fill(index),
});

/** What a follower may be asked to write: appends, others in their place, snapshots of the leader and of its own. */
function nextStep(state: State, random: Random): Step {
  const { hardState } = state;
  const last = lastOf(state);
  // As Raft takes it: what a snapshot stands for is committed.
  const committed = Math.max(hardState.commit, state.snapshot.index);
  const append = (term: number, from: number, commit: number): Persist => ({
    snapshot: undefined,
    entries: Array.from({ length: 1 + random.below(3) }, (_, at) => entry(from + at, term, random.below(500))),
    hardState: { ...hardState, term, vote: term === hardState.term ? hardState.vote : 1 + random.below(3), commit },
  });
  const dice = random.below(10);
  const canCommit = committed + random.below(last - committed + 1);
  if (dice < 4) return { persist: append(hardState.term || 1, last + 1, canCommit) };
  if (dice < 6 && last > committed) {
    const from = committed + 1 + random.below(last - committed);
    return { persist: append(hardState.term + 1, from, committed) };
  }
  if (dice < 7) {
    const term = hardState.term + 1;
    return {
      persist: { snapshot: undefined, entries: [], hardState: { ...hardState, term, vote: 1 + random.below(3) } },
    };
  }
  if (dice < 9) {
    const index = committed + 1 + random.below(4);
    const term = hardState.term + 1;
    // What it ends with is of the leader's own term or of one before, and not what the log has there.
    const own = termOf(state, index);
    const ofSnapshot = own !== undefined && random.below(2) === 0 ? Math.min(own + 1, term) : term;
    const snapshot: Snapshot = { index, term: ofSnapshot, membership: MEMBERSHIP, data: new Uint8Array(50) };
    const entries = random.below(2) === 0 ? [] : [entry(index + 1, term, 9)];
    return { persist: { snapshot, entries, hardState: { ...hardState, term, vote: 0, commit: index } } };
  }
  const index = committed;
  const beside = append(hardState.term || 1, last + 1, committed);
  if (index <= state.snapshot.index) return { persist: beside };
  return { save: { index, term: termOf(state, index) as number }, beside };
}

/** The states that a crash during the step may leave. */
function outcomes(state: State, step: Step): readonly State[] {
  if ("save" in step) {
    const after = withPersist(state, step.beside);
    return [state, after, withSnapshot(state, step.save), withSnapshot(after, step.save)];
  }
  const { snapshot } = step.persist;
  const after = withPersist(state, step.persist);
  return snapshot === undefined ? [state, after] : [state, withSnapshot(state, snapshot), after];
}

async function carryOut(storage: Storage, step: Step): Promise<void> {
  if ("persist" in step) return storage.append(step.persist);
  const file = encodeSnapshot({ ...step.save, membership: MEMBERSHIP, data: new Uint8Array(30) });
  await Promise.all([storage.save(step.save, file), storage.append(step.beside)]);
}

async function recover(storage: Storage): Promise<State> {
  const opened = await storage.open();
  invariant(opened !== undefined, "its disk is not lost");
  const { log, snapshot } = opened;
  const { index, term } = snapshot ?? NEW.snapshot;
  // Refuses gaps, and terms that go down.
  expect(new RaftLog({ index, term }, log.entries).last).toBe(index + log.entries.length);
  const entries = log.entries.map((one) => [one.index, one.term] as const);
  return { snapshot: { index, term }, entries, hardState: log.hardState };
}

/** One history, cut off before its operation `cutAt`; false when it has fewer. */
async function cutOff(seed: number, cutAt: number, power: boolean): Promise<boolean> {
  const machine = new Machine(seed);
  const { disk } = machine;
  const random = machine.world.random("history");
  disk.cutAt = cutAt;
  let state = NEW;
  let possible: readonly State[] = [NEW];
  const first = machine.storage();
  let alive = (await machine.do(() => recover(first))) !== undefined;
  for (let count = 0; alive && count < STEPS; count++) {
    const step = nextStep(state, random);
    possible = outcomes(state, step);
    alive = (await machine.do(async () => (await carryOut(first, step), true))) === true;
    if (alive) possible = [(state = possible[possible.length - 1]!)];
  }
  if (alive) return false;
  machine.crash(power);
  const second = machine.storage();
  const found = (await machine.do(() => recover(second))) as State;
  expect(possible).toContainEqual(found);
  // What was read counts from now on: a member says it to the others. So it must last, and the log must go on from it.
  machine.crash(true);
  const third = machine.storage();
  expect(await machine.do(() => recover(third))).toEqual(found);
  let now = found;
  for (let count = 0; count < 3; count++) {
    const step = nextStep(now, random);
    await machine.do(() => carryOut(third, step));
    now = outcomes(now, step).at(-1)!;
  }
  machine.crash(true);
  const fourth = machine.storage();
  expect(await machine.do(() => recover(fourth))).toEqual(now);
  return true;
}

const STEPS = 14;

describe("a member's disk", () => {
  it.each([
    ["the process ends", false],
    ["the power fails", true],
  ])("holds what was promised and nothing by halves, at whatever operation %s", async (_, power) => {
    for (let seed = 1; seed <= 15; seed++) {
      for (let cutAt = 0; ; cutAt++) {
        try {
          if (!(await cutOff(seed, cutAt, power))) break;
        } catch (error) {
          (error as Error).message = `seed ${seed}, operation ${cutAt}: ${(error as Error).message}`;
          throw error;
        }
      }
    }
  });

  it("knows a conflicting end by the entry before it, when older segments are gone", async () => {
    const machine = new Machine(3);
    const storage = machine.storage({ segmentBytes: 1 });
    const hardState = (term: number, commit: number): HardState => ({ term, vote: 0, commit });
    const snapshot: Snapshot = { index: 3, term: 2, membership: MEMBERSHIP, data: new Uint8Array(5) };
    await machine.do(async () => {
      await recover(storage);
      for (const [index, term] of [
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 3],
      ] as const) {
        await storage.append({ snapshot: undefined, entries: [entry(index, term, 9)], hardState: hardState(term, 0) });
      }
      // A leader of term 4 has committed another entry 3, of term 2.
      await storage.append({ snapshot, entries: [], hardState: hardState(4, 3) });
    });
    machine.crash(true);
    expect(await machine.do(() => recover(machine.storage()))).toMatchObject({ snapshot: { index: 3 }, entries: [] });
  });

  it("holds after a wait for room exactly what it was given, and no more of it than once", async () => {
    const machine = new Machine(7);
    const storage = machine.storage();
    const random = machine.world.random("history");
    await machine.do(() => recover(storage));
    let state = NEW;
    let waits = 0;
    storage.onFull = () => void (waits += storage.full === undefined ? 0 : 1);
    for (let count = 0; count < 40; count++) {
      const step = nextStep(state, random);
      if (count % 3 === 0) {
        machine.disk.setFault({ kind: "full" });
        machine.world.schedule(700_000, machine.world.itself, () => machine.disk.setFault(undefined));
      }
      await machine.do(() => carryOut(storage, step));
      // A snapshot of its own that found no room was not saved.
      const { snapshot } = "save" in step && count % 3 === 0 ? state : outcomes(state, step).at(-1)!;
      state =
        "save" in step && count % 3 === 0
          ? withPersist(state, step.beside)
          : { ...outcomes(state, step).at(-1)!, snapshot };
    }
    expect(waits).toBe(14);
    machine.crash(true);
    expect(await machine.do(() => recover(machine.storage()))).toEqual(state);
  });

  it.each([
    ["of a group that was up before", { established: true }, false],
    ["that a member has had before", {}, true],
  ])("takes an empty directory %s for a lost one, and begins nothing in it", async (_, options, hadOne) => {
    const machine = new Machine(1);
    if (hadOne) {
      const storage = machine.storage();
      await machine.do(() => storage.open());
      machine.disk.wipe();
    }
    const storage = machine.storage(options);
    expect(await machine.do(() => storage.open().then((opened) => opened === undefined))).toBe(true);
    expect(machine.disk.files()).toEqual([]);
  });

  it("refuses a snapshot beside which there is no log: the votes were in it", async () => {
    const machine = new Machine(1);
    const snapshot = { index: 5, term: 2, membership: MEMBERSHIP, data: new Uint8Array(9) };
    const disk = machine.disk.open(machine.world.itself, "/simulated");
    await machine.do(() => disk.replace("snap/0000000000000005.snapshot", encodeSnapshot(snapshot)));
    await expect(machine.do(() => machine.storage().open())).rejects.toMatchObject({ code: "ETCD_CORRUPT" });
  });
});
