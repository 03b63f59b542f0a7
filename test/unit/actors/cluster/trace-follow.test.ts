import { describe, expect, it } from "vitest";
import type { FollowOptions } from "../../../../actors/cluster/trace-follow.ts";
import { TraceFollower } from "../../../../actors/cluster/trace-follow.ts";
import { RingReader } from "../../../../actors/trace-collector/ring-reader.ts";
import { RecordedActors } from "../../../fixtures/recorded.ts";

const ACTOR = "etcd-0";
const DONE = { done: true, value: undefined };

function following(options: Partial<FollowOptions> = {}): {
  readonly follower: TraceFollower;
  readonly record: (...subjects: readonly string[]) => void;
  readonly cluster: AbortController;
} {
  const actors = new RecordedActors([ACTOR]);
  const record = (...subjects: readonly string[]): void => {
    for (const subject of subjects) actors.event(ACTOR, "write", subject);
  };
  record("pods/default/first");
  const cluster = new AbortController();
  const reader = new RingReader(() => actors.rings, {});
  const follower = new TraceFollower(reader, cluster.signal, { periodMs: 1, waitingMax: 100, ...options });
  return { follower, record, cluster };
}

describe("following a trace", () => {
  it("gives what is recorded, then what is new, until who follows has enough", async () => {
    const { follower, record } = following();
    const found: string[] = [];
    for await (const { subject } of follower) {
      found.push(subject);
      if (found.length === 1) record("a", "b");
      if (found.length === 3) break;
    }
    expect(found).toEqual(["pods/default/first", "a", "b"]);
    record("c");
    expect(await follower.next()).toEqual(DONE);
  });

  it("answers in order who asks for several at once, and lets go of who still waits at its end", async () => {
    const { follower, record } = following();
    const asked = [follower.next(), follower.next(), follower.next(), follower.next()];
    record("a", "b");
    await asked[2];
    await follower.return();
    const results = await Promise.all(asked);
    expect(results.map(({ value }) => value?.subject)).toEqual(["pods/default/first", "a", "b", undefined]);
    expect(results[3]).toEqual(DONE);
  });

  it("tells as a gap what does not fit into its bound", async () => {
    const { follower, record } = following({ waitingMax: 3 });
    await follower.next();
    record("a", "b", "c", "d", "e", "f");
    const found = [await follower.next(), await follower.next(), await follower.next(), await follower.next()];
    expect(found.map(({ value }) => `${value?.kind} ${value?.subject} ${value?.detail}`)).toEqual([
      `gap ${ACTOR} lost=3`,
      "write d action=put",
      "write e action=put",
      "write f action=put",
    ]);
    await follower.return();
  });

  it("ends with the cluster, and not before it has told what was recorded until then", async () => {
    const { follower, record, cluster } = following({ periodMs: 2 ** 30 });
    await follower.next();
    const waiting = follower.next();
    record("a", "b");
    cluster.abort();
    expect((await waiting).value?.subject).toBe("a");
    expect((await follower.next()).value?.subject).toBe("b");
    expect(await follower.next()).toEqual(DONE);
  });

  it("of a cluster that has ended tells what it had recorded", async () => {
    const actors = new RecordedActors([ACTOR]);
    actors.event(ACTOR, "write", "a");
    const reader = new RingReader(() => actors.rings, {});
    const follower = new TraceFollower(reader, AbortSignal.abort(), { periodMs: 1, waitingMax: 10 });
    expect((await follower.next()).value?.subject).toBe("a");
    expect(await follower.next()).toEqual(DONE);
  });
});
