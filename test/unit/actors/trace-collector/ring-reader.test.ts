import { describe, expect, it } from "vitest";
import { RingReader } from "../../../../actors/trace-collector/ring-reader.ts";
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import { RingWriter, makeRing } from "../../../../runtime/trace/ring.ts";

function recorder(actor: string): { readonly ring: SharedArrayBuffer; write(timeMs: number, subject: string): void } {
  const ring = makeRing(64 * 1024);
  const writer = new RingWriter(ring);
  let sequence = 0;
  return {
    ring,
    write: (timeMs, subject) => {
      const event: TraceEvent = {
        actor,
        sequence: ++sequence,
        lamport: sequence,
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
    const rings: Record<string, SharedArrayBuffer> = { "worker-0/kubelet": first.ring };
    const reader = new RingReader(() => rings, { actor: "worker-1/" });
    first.write(1, "not wanted");
    expect(reader.read()).toEqual([]);
    rings["worker-1/kubelet"] = later.ring;
    later.write(2, "wanted");
    expect(reader.read().map(({ subject }) => subject)).toEqual(["wanted"]);
  });
});
