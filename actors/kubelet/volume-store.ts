/**
 * The volumes of a node's pods as directories below `pods/<uid>/volumes`. The files of one volume change all at once, and in a
 * way that containers may rely on: they are links through `..data`, which is a link to a directory that is never written again.
 * @see k8s.io/kubernetes/pkg/volume/util/atomic_writer.go
 */
import type { Context } from "../../runtime/actor.ts";
import { configError } from "./core/sources.ts";
import type { MountPlan, VolumeFiles, VolumePlaces, VolumePlan } from "./core/volumes.ts";
import type { VolumeDisk } from "./kubelet-io.ts";

const DATA = "..data";
const NEXT_DATA = "..data_tmp";
/** Anybody may write to an emptyDir: containers need not be of one user. Those of an fsGroup hand their group on. */
const EMPTY_MODE = 0o777;
const SET_GROUP = 0o2000;

export class VolumeStore {
  private readonly ctx: Context<unknown>;
  private readonly disk: VolumeDisk;
  /** What each pod's volumes hold, by pod and by volume, for as long as there is the pod. */
  private readonly written = new Map<string, Map<string, VolumePlan>>();

  constructor(ctx: Context<unknown>, disk: VolumeDisk) {
    this.ctx = ctx;
    this.disk = disk;
  }

  /** Pods whose volumes are known. */
  get size(): number {
    return this.written.size;
  }

  /** The volumes of a pod as they were written last. */
  plansOf(podUid: string): readonly VolumePlan[] {
    return [...(this.written.get(podUid)?.values() ?? [])];
  }

  /** Where the operating system finds a pod's volumes. */
  placesOf(podUid: string): VolumePlaces {
    const { root } = this.ctx.disk;
    return {
      volume: (name) => `${root}/${pathOf(podUid, name)}`,
      subPath: (name, container, index) => `${root}/${subPathOf(podUid, name, container, index)}`,
    };
  }

  /** In bytes. Errors: VOLUME_IO. */
  sizeOf(podUid: string, volume: string): Promise<number> {
    return this.disk.size(pathOf(podUid, volume));
  }

  /** Errors: POD_CONFIG when a place of the machine is not of the type that was asked for. */
  async write(podUid: string, plans: readonly VolumePlan[]): Promise<void> {
    const written = this.written.get(podUid) ?? new Map<string, VolumePlan>();
    this.written.set(podUid, written);
    for (const plan of plans) {
      const path = pathOf(podUid, plan.name);
      const before = written.get(plan.name);
      switch (plan.kind) {
        case "host":
          await this.disk.hostPath(plan.path, plan.type);
          break;
        case "kept": {
          const mode = plan.group === undefined ? EMPTY_MODE : EMPTY_MODE | SET_GROUP;
          if (before === undefined) await this.disk.keptDirectory(plan.path, mode, plan.group);
          break;
        }
        case "empty":
          if (before !== undefined) break;
          await this.disk.makeDirectory(
            path,
            plan.group === undefined ? EMPTY_MODE : EMPTY_MODE | SET_GROUP,
            plan.group,
          );
          break;
        case "files":
          if (before?.kind !== "files" || !isSame(before.files, plan.files)) await this.writeFiles(path, plan);
          break;
      }
      written.set(plan.name, plan);
    }
  }

  /** Makes what the mounts of a container need that is about to start. */
  async prepare(podUid: string, container: string, mounts: readonly MountPlan[]): Promise<void> {
    for (const [index, { volume, needs }] of mounts.entries()) {
      if (needs === undefined) continue;
      if ("path" in needs) {
        if (await this.disk.ensureBelow(needs.directory, needs.path)) continue;
        throw configError(`failed to prepare subPath for volumeMount "${volume}" of container "${container}"`);
      }
      const path = subPathOf(podUid, volume, container, index);
      const group = this.written.get(podUid)?.get(volume)?.group;
      await this.disk.remove(path);
      if (!needs.copy.has("")) await this.disk.makeDirectory(path);
      await this.writeAll(path, needs.copy, group);
    }
  }

  /** The pods that have volumes on disk, by uid. */
  list(): Promise<readonly string[]> {
    return this.disk.list("pods");
  }

  async remove(podUid: string): Promise<void> {
    this.written.delete(podUid);
    await this.disk.remove(directoryOf(podUid));
  }

  private async writeFiles(
    directory: string,
    { files, group }: VolumePlan & { readonly kind: "files" },
  ): Promise<void> {
    const { disk } = this;
    await disk.makeDirectory(directory);
    const content = `..${this.ctx.ids.unique()}`;
    await disk.makeDirectory(`${directory}/${content}`);
    await this.writeAll(`${directory}/${content}`, files, group);
    await disk.remove(`${directory}/${NEXT_DATA}`);
    await disk.link(content, `${directory}/${NEXT_DATA}`);
    await disk.rename(`${directory}/${NEXT_DATA}`, `${directory}/${DATA}`);
    const tops = new Set([...files.keys()].map((path) => path.split("/", 1)[0] ?? ""));
    const present = new Set(await disk.list(directory));
    for (const top of tops) if (!present.has(top)) await disk.link(`${DATA}/${top}`, `${directory}/${top}`);
    // What is no longer said, and what earlier contents, or a kubelet that died over one, have left.
    for (const name of present) {
      if (name !== DATA && name !== content && !tops.has(name)) await disk.remove(`${directory}/${name}`);
    }
  }

  private async writeAll(directory: string, files: VolumeFiles, group: number | undefined): Promise<void> {
    for (const [path, { bytes, mode }] of files) {
      await this.disk.write(path === "" ? directory : `${directory}/${path}`, bytes, mode, group);
    }
  }
}

function directoryOf(podUid: string): string {
  return `pods/${podUid}`;
}

function pathOf(podUid: string, volume: string): string {
  return `${directoryOf(podUid)}/volumes/${volume}`;
}

function subPathOf(podUid: string, volume: string, container: string, index: number): string {
  return `${directoryOf(podUid)}/volume-subpaths/${volume}/${container}/${index}`;
}

function isSame(one: VolumeFiles, other: VolumeFiles): boolean {
  if (one.size !== other.size) return false;
  for (const [path, { bytes, mode }] of one) {
    const file = other.get(path);
    if (file === undefined || file.mode !== mode || file.bytes.length !== bytes.length) return false;
    if (!file.bytes.every((byte, index) => byte === bytes[index])) return false;
  }
  return true;
}
