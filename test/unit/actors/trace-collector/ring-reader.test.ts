import { describe, expect, it } from "vitest";
import { RingReader } from "../../../../actors/trace-collector/ring-reader.ts";
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import { RingWriter, makeRing } from "../../../../runtime/trace/ring.ts";

function recorder(actor: string): {
  readonly ring: SharedArrayBuffer;
  write(timeMs: number, subject: string, lamport?: number): void;
} {
  const ring = makeRing(64 * 1024);
  const writer = new RingWriter(ring);
  let sequence = 0;
  return {
    ring,
    write: (timeMs, subject, lamport = 1_000 * timeMs) => {
      const event: TraceEvent = {
        actor,
        sequence: ++sequence,
        lamport,
        timeMs,
        kind: "test.happened",
        subject,
        peer: "",
        cause: "",
        detail: "",
      };
      writer.write(event);
    },
  };
}

describe("RingReader", () => {
  it("merges the recorders of all actors by time and tells each event once", () => {
    const left = recorder("etcd-0");
    const right = recorder("etcd-1");
    const reader = new RingReader(() => ({ "etcd-0": left.ring, "etcd-1": right.ring }), {});
    left.write(1, "a");
    right.write(2, "b");
    left.write(3, "c");
    expect(reader.read().map(({ subject }) => subject)).toEqual(["a", "b", "c"]);
    expect(reader.read()).toEqual([]);
    right.write(4, "d");
    expect(reader.read().map(({ actor, subject }) => `${actor} ${subject}`)).toEqual(["etcd-1 d"]);
  });

  it("sees the recorders of actors that appear later, and reads only those that the filter wants", () => {
    const first = recorder("worker-0/kubelet");
    const later = recorder("worker-1/kubelet");
    const neighbor = recorder("worker-1/kube-proxy");
    const rings: Record<string, SharedArrayBuffer> = {
      "worker-0/kubelet": first.ring,
      "worker-1/kube-proxy": neighbor.ring,
    };
    const reader = new RingReader(() => rings, { actor: "worker-1/" });
    first.write(1, "not wanted");
    expect(reader.read()).toEqual([]);
    rings["worker-1/kubelet"] = later.ring;
    later.write(2, "wanted");
    expect(reader.read().map(({ subject }) => subject)).toEqual(["wanted"]);
  });

  it("puts causes before effects, whatever the wall clocks of both said", () => {
    const ahead = recorder("api-server-0");
    const right = recorder("kubelet");
    const reader = new RingReader(() => ({ "api-server-0": ahead.ring, kubelet: right.ring }), {});
    right.write(1, "before");
    ahead.write(60_000, "cause");
    right.write(2, "effect", 60_000_001);
    expect(reader.read().map(({ subject }) => subject)).toEqual(["before", "cause", "effect"]);
  });

  it("tells an event that was recorded while it read no later than what it caused", () => {
    const first = recorder("a");
    const second = recorder("b");
    let asked = 0;
    const rings = {
      get a(): SharedArrayBuffer {
        return first.ring;
      },
      get b(): SharedArrayBuffer {
        // The recorder of `a` has been read by now.
        if (++asked === 1) {
          first.write(5, "cause");
          second.write(6, "effect");
          first.write(7, "after");
        }
        return second.ring;
      },
    };
    const reader = new RingReader(() => rings, {});
    const read = (): readonly string[] => reader.read().map(({ subject }) => subject);
    first.write(1, "early");
    expect([...read(), "|", ...read()]).toEqual(["early", "cause", "effect", "|", "after"]);
  });

  it("refuses an actor that is not there and a kind that nobody records, and names those that there are", () => {
    const rings = (): Record<string, SharedArrayBuffer> => ({ "etcd-0": makeRing(4_096) });
    expect(() => new RingReader(rings, { actor: "etdc-0" })).toThrow(
      "there is no actor etdc-0 here; did you mean etcd-0? There are etcd-0",
    );
    expect(() => new RingReader(rings, { kind: "nosuchkind" })).toThrow(
      "there is no kind of event nosuchkind. There are call",
    );
  });
});

describe("a reader that is overtaken", () => {
  it("tells how many events of which actor it has not seen, where they would stand", () => {
    const one = recorder("etcd-0");
    const reader = new RingReader(() => ({ "etcd-0": one.ring }), { kind: "gap" });
    one.write(1, "first");
    expect(reader.read()).toEqual([]);
    for (let count = 0; count < 5_000; count++) one.write(2, `flood-${count}`);
    const [gap, ...rest] = reader.read();
    expect(rest).toEqual([]);
    expect(gap).toMatchObject({ actor: "etcd-0", kind: "gap", subject: "etcd-0" });
    const lost = Number(gap!.detail.slice("lost=".length));
    expect(gap!.sequence).toBe(1 + lost);
    expect(lost).toBeGreaterThan(1_000);
    one.write(3, "next");
    expect(reader.read()).toEqual([]);
  });
});
