import { describe, expect, it } from "vitest";
import { contentsOfNdjson, ndjsonOf } from "../../../../../actors/trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../../../../actors/trace-collector/core/record.ts";
import type { TraceEvent } from "../../../../../protocols/trace-collector.ts";

const event: TraceEvent = {
  actor: "api-server-0",
  sequence: 7,
  lamport: 12,
  timeMs: 1_000.5,
  kind: "write",
  subject: "pods/default/a",
  peer: "",
  cause: "api-server-0#6",
  detail: "action=put revision=3",
};

describe("a record as NDJSON", () => {
  it("is read as it was written, with gaps and changes", () => {
    const gaps = [{ actor: "etcd-0", after: 4, lost: 3 }];
    const changes = [{ revision: 3, subject: "pods/default/a", object: undefined }];
    const text = ndjsonOf(new TraceRecord({ events: [event], gaps, changes }));
    expect(contentsOfNdjson(text, "a.ndjson")).toEqual({
      events: [event],
      gaps,
      changes: [{ revision: 3, subject: "pods/default/a" }],
    });
  });

  it("goes on without a last line that was not written whole, and says where else something is wrong", () => {
    const line = JSON.stringify(event);
    expect(contentsOfNdjson(`${line}\n${line.slice(0, 30)}`, "a").events).toEqual([event]);
    expect(() => contentsOfNdjson(`${line}\n{"kind":"Pod"}\n${line}\n`, "a.ndjson")).toThrow(
      expect.objectContaining({
        code: "TRACE_DAMAGED",
        message: "line 2 of a.ndjson is neither an event nor a gap nor a change",
      }),
    );
  });
});
