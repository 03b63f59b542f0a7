/** What objects were, as the collector keeps it: a Pod of 3 KB for each write that the record's events tell of. */
import { join } from "node:path";
import { checksum } from "../../../../actors/trace-collector/io/checksum.ts";
import { pack } from "../../../../actors/trace-collector/io/pack.ts";
import type { StoredChange } from "../../../../actors/trace-collector/core/segments/changes.ts";
import { encodeChanges, headsOf } from "../../../../actors/trace-collector/core/segments/changes.ts";
import type { ChangePart } from "../../../../actors/trace-collector/core/segments/format.ts";
import { encodeChangeBatch } from "../../../../actors/trace-collector/core/segments/format.ts";
import { RecordFiles } from "../../../../actors/trace-collector/record-files.ts";
import { TRACE_COLLECTOR_DEFAULTS, limitsOf } from "../../../../actors/trace-collector/spec.ts";
import { threadDisk } from "../../../../runtime/threads/thread-disk.ts";
import { samplePod } from "../../sample-pod.ts";

const BATCH_BYTES = 65_536;

/** @param writes pod and revision of each */
export async function keepObjects(
  directory: string,
  writes: Iterable<{ readonly pod: string; readonly revision: number }>,
): Promise<void> {
  const disk = threadDisk(join(directory, "actors", "trace-collector"), { fsync: false });
  const files = await RecordFiles.open(disk, limitsOf(TRACE_COLLECTOR_DEFAULTS), checksum, false);
  const put = async (part: ChangePart, changes: readonly StoredChange[]): Promise<void> => {
    const bytes = encodeChanges(changes);
    const batch = {
      part,
      firstRevision: changes[0]?.revision ?? 0,
      lastRevision: changes.at(-1)?.revision ?? 0,
      bytes: bytes.length,
      count: changes.length,
      packed: pack(bytes),
      heads: headsOf(changes, pack),
    };
    const encoded = encodeChangeBatch(batch, checksum);
    await files.append("objects", files.fileFor("objects", encoded.length), [encoded]);
  };
  await put("base-end", []);
  let changes: StoredChange[] = [];
  let bytes = 0;
  for (const { pod, revision } of writes) {
    const object = samplePod(pod);
    const value = Buffer.from(JSON.stringify({ ...object, status: { ...object.status, message: `at ${revision}` } }));
    changes.push({ revision, key: `/registry/pods/default/${pod}`, value });
    bytes += value.length;
    if (bytes < BATCH_BYTES) continue;
    await put("change", changes);
    changes = [];
    bytes = 0;
  }
  await put("change", changes);
  await files.close();
}
