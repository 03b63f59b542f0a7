/** Looks, before anything is started, whether the etcd members still have what they had. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";

/**
 * `actors` is the directory of all actors' directories; beside it is the register of those in use (`Disk.register`).
 * Errors: ETCD_QUORUM_LOST when a majority of the members finds nothing where its log was: waiting for a leader is of no
 * use then. With a minority the group goes on, and the others bring those back.
 */
export function checkEtcdDisks(actors: string, members: readonly string[]): void {
  const lost = members.filter((name) => existsSync(join(`${actors}.registered`, name)) && !hasLog(join(actors, name)));
  if (lost.length <= (members.length - 1) / 2) return;
  const where = lost.map((name) => `${name} (${join(actors, name)})`).join(" and ");
  throw new InkubeError(
    "ETCD_QUORUM_LOST",
    `the disk of ${where} was lost, and without a majority of the members' logs nobody knows what was committed; put the directories back as they were; or remove the data directory, to begin anew with an empty cluster`,
    { details: { members: lost } },
  );
}

function hasLog(directory: string): boolean {
  const wal = join(directory, "wal");
  return existsSync(wal) && readdirSync(wal).length > 0;
}
