/** Volumes on an actor's own disk, where nothing but this actor sees them: without permissions, links are files that name their target. */
import type { Context } from "../../runtime/actor.ts";
import type { VolumeDisk } from "./kubelet-io.ts";

export function plainVolumeDisk({ disk }: Context<unknown>): VolumeDisk {
  const write = async (path: string, bytes: Uint8Array): Promise<void> => {
    await disk.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    const file = await disk.open(path, { create: true });
    await file.write(0, bytes);
    await file.close();
  };
  return {
    makeDirectory: (path) => disk.makeDirectory(path),
    write,
    link: (target, path) => write(path, new TextEncoder().encode(target)),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    list: (path) => disk.list(path),
    size: () => Promise.resolve(0),
    hostPath: () => Promise.resolve(),
    keptDirectory: () => Promise.resolve(),
    ensureBelow: () => Promise.resolve(true),
  };
}
