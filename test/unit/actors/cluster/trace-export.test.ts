import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ExportFormat } from "../../../../actors/cluster/trace-export.ts";
import { EXPORT_FORMATS, exported } from "../../../../actors/cluster/trace-export.ts";
import { traceOf } from "../../../../actors/cluster/trace.ts";
import { contentsOfNdjson } from "../../../../actors/trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../../../actors/trace-collector/core/record.ts";
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";

const directory = mkdtempSync(join(tmpdir(), "inkube-trace-export-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const event = (sequence: number, kind: string, subject: string): TraceEvent => {
  return {
    actor: "api-server-0",
    sequence,
    lamport: sequence,
    timeMs: 0,
    kind,
    subject,
    peer: "",
    cause: "",
    detail: "",
  };
};
const record = new TraceRecord({
  events: [event(1, "write", "pods/default/web"), event(2, "scheduled", "pods/default/db")],
});
const textOf = (format: ExportFormat, where = {}): string => [...exported(record, format, { where })].join("");

describe("a record that is exported", () => {
  it.each(EXPORT_FORMATS.filter((format) => format !== "html"))("as %s has the events that are asked for", (format) => {
    expect(textOf(format)).toMatch(/pods\/default\/web[^]*pods\/default\/db/);
    expect(textOf(format, { kind: "scheduled" })).not.toContain("default/web");
    expect(textOf(format, { where: "subject~default/web" })).not.toContain("default/db");
  });

  it.each([
    [{ kind: "schedule" }, "there is no kind of event schedule; did you mean scheduled?"],
    [{ actor: "api-server-9" }, "there is no actor api-server-9 here; did you mean api-server-0?"],
    [{ where: "kind" }, "kind"],
  ])("is refused where %j asks for what there is not", (where, message) => {
    expect(() => textOf("ndjson", where)).toThrow(message);
  });

  it("is refused in a format that there is not, with those that there are", () => {
    expect(() => textOf("perfeto" as ExportFormat)).toThrow(
      "nothing is exported as perfeto; did you mean perfetto? There are html, perfetto",
    );
  });

  it("by its door is a text, or a file of it", async () => {
    const file = join(directory, "trace.ndjson");
    const text = await traceOf(record).export("ndjson");
    expect(await traceOf(record).export("ndjson", { file })).toBe(file);
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(new TraceRecord(contentsOfNdjson(text, file)).events).toEqual(record.events);
  });
});
