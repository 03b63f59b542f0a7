/** Makes the disks of etcd's members from a snapshot, before any of them runs. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import { makeDirectory } from "../../../runtime/threads/make-directory.ts";
import { restoredMember } from "../../etcd/core/restored-member.ts";
import type { DataDirectory } from "./data-directory.ts";

/** Where the actors keep what is theirs. */
export const ACTORS = "actors";
/** Directories of volumes. */
export const VOLUMES = "volumes";

/** `state` as `encodeStore` makes it. What an attempt before left there is replaced. Errors: DATA_DIRECTORY_UNUSABLE. */
export function restoreMembers(directory: DataDirectory, members: readonly string[], state: Uint8Array): void {
  try {
    for (const name of members) {
      const root = join(directory.path, ACTORS, name);
      rmSync(root, { recursive: true, force: true });
      for (const { path, content } of restoredMember(members, name, state)) {
        writeWhole(join(root, path), content, directory.durable);
      }
    }
  } catch (error) {
    const { message } = error as Error;
    throw new InkubeError("DATA_DIRECTORY_UNUSABLE", `can't restore into ${directory.path}: ${message}`, {
      cause: error,
    });
  }
}

function writeWhole(path: string, content: readonly Uint8Array[], durable: boolean): void {
  makeDirectory(dirname(path));
  const file = openSync(path, "w", 0o600);
  try {
    for (const piece of content) {
      for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
    }
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (durable) syncFolder(dirname(path));
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
