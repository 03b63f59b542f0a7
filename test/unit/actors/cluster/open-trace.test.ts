import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTrace } from "../../../../actors/cluster/open-trace.ts";
import { TRACE_FORMAT, encodeHeader, encodeRecords } from "../../../../actors/trace-collector/core/segments/format.ts";
import { checksum } from "../../../../actors/trace-collector/io/checksum.ts";
import { NAMES_AT, copyRing } from "../../../../runtime/trace/ring.ts";
import { RecordedActors } from "../../../fixtures/recorded.ts";

let directory = "";
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-trace-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("openTrace", () => {
  it("answers from a file of lines as `inkube trace --json` prints them", async () => {
    const file = join(directory, "trace.ndjson");
    const asked = { actor: "api", sequence: 1, lamport: 1, timeMs: 1_000, kind: "call", subject: "request" };
    const write = { ...asked, sequence: 2, lamport: 2, kind: "write", subject: "pods/default/a", cause: "api#1" };
    writeFileSync(file, [{ ...asked, peer: "cluster" }, write].map((event) => JSON.stringify(event)).join("\n"));
    const trace = await openTrace(file);
    const { sentence, chain } = await trace.why("pod/a");
    expect(sentence).toBe("a is there: somebody created it.");
    expect(chain.map(({ kind }) => kind)).toEqual(["call", "write"]);
    expect(await trace.events({ kind: "write" })).toHaveLength(1);
    await expect(trace.why("pod/b")).rejects.toMatchObject({ code: "NOT_RECORDED" });
  });

  it("says that there is nothing to open", async () => {
    for (const path of [join(directory, "missing"), directory]) {
      await expect(openTrace(path)).rejects.toMatchObject({ code: "TRACE_NOT_FOUND" });
    }
  });

  it("leaves out what is damaged and says what, and refuses what is newer by its name", async () => {
    const folder = join(directory, "files");
    const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(folder, name), bytes);
    mkdirSync(folder);
    const actors = new RecordedActors(["etcd-0"]);
    actors.event("etcd-0", "write", "pods/default/a");
    const { words, names } = copyRing(actors.rings["etcd-0"]!)!;
    const header = { class: "events", run: 1, number: 1 } as const;
    const batch = encodeRecords({ actor: "etcd-0", namesAt: NAMES_AT, names, words }, checksum);
    const damaged = Uint8Array.from(batch);
    damaged[20]! ^= 1;
    put("events-000001.inktrace", Buffer.concat([encodeHeader(header, checksum), damaged, batch]));
    put("events-000002.inktrace", Buffer.from("no segment at all, whatever its name says"));
    const trace = await openTrace(folder);
    expect((await trace.events()).map(({ subject }) => subject)).toEqual(["pods/default/a"]);
    expect(trace.warnings).toEqual([
      "events-000002.inktrace: 41 bytes from byte 0 on are damaged, and left out",
      `events-000001.inktrace: ${batch.length} bytes from byte 32 on are damaged, and left out`,
    ]);
    await expect(trace.why("pod/b")).rejects.toMatchObject({ code: "NOT_RECORDED" });
    await expect(trace.events({ actor: "etcd-1" })).rejects.toMatchObject({ code: "NO_SUCH_ACTOR" });
    await expect(trace.events({ kind: "wriet" })).rejects.toMatchObject({ code: "NO_SUCH_KIND" });

    const newer = Buffer.from(encodeHeader({ ...header, number: 3 }, checksum));
    newer.writeInt32LE(TRACE_FORMAT + 1, 8);
    put("events-000003.inktrace", newer);
    await expect(openTrace(folder)).rejects.toMatchObject({
      code: "TRACE_NEWER",
      message: expect.stringContaining("events-000003.inktrace was written by a newer inkube") as string,
    });
  });
});
