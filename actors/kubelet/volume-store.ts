/**
 * The volumes of a node's pods as directories below `pods/<uid>/volumes`. A file's new content replaces the old one whole; a volume
 * of several files changes file by file.
 */
import type { Context } from "../../runtime/actor.ts";
import type { VolumePlan } from "./core/volumes.ts";

export class VolumeStore {
  private readonly ctx: Context<unknown>;
  /** What each volume holds, by directory: what need not be written again. */
  private readonly written = new Map<string, ReadonlyMap<string, Uint8Array>>();

  constructor(ctx: Context<unknown>) {
    this.ctx = ctx;
  }

  /** The directory of a volume as the operating system knows it. */
  directoryOf(podUid: string, volume: string): string {
    return `${this.ctx.disk.root}/${pathOf(podUid, volume)}`;
  }

  async write(podUid: string, plans: readonly VolumePlan[]): Promise<void> {
    for (const plan of plans) {
      switch (plan.kind) {
        case "host":
          break;
        case "empty":
          await this.ctx.disk.makeDirectory(pathOf(podUid, plan.name));
          break;
        case "files":
          await this.writeFiles(pathOf(podUid, plan.name), plan.files);
          break;
      }
    }
  }

  /** The pods that have volumes here, by uid. */
  list(): Promise<readonly string[]> {
    return this.ctx.disk.list("pods");
  }

  async remove(podUid: string): Promise<void> {
    const prefix = `${directoryOf(podUid)}/`;
    for (const path of [...this.written.keys()]) if (path.startsWith(prefix)) this.written.delete(path);
    await this.ctx.disk.remove(directoryOf(podUid));
  }

  private async writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const { disk } = this.ctx;
    await disk.makeDirectory(directory);
    const before = this.written.get(directory);
    for (const [path, bytes] of files) {
      const old = before?.get(path);
      if (old === undefined || !isSame(old, bytes)) await disk.replace(`${directory}/${path}`, bytes);
    }
    const tops = new Set([...files.keys()].map((path) => path.split("/", 1)[0] ?? ""));
    for (const name of await disk.list(directory)) if (!tops.has(name)) await disk.remove(`${directory}/${name}`);
    for (const path of before?.keys() ?? []) if (!files.has(path)) await disk.remove(`${directory}/${path}`);
    this.written.set(directory, files);
  }
}

function directoryOf(podUid: string): string {
  return `pods/${podUid}`;
}

function pathOf(podUid: string, volume: string): string {
  return `${directoryOf(podUid)}/volumes/${volume}`;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
