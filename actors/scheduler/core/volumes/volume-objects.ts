/**
 * Claims, volumes and classes as the scheduler believes them to be: what the API server has said, and what it has decided itself and
 * nobody has confirmed yet.
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding (AssumeCache)
 */
import type { PersistentVolume, PersistentVolumeClaim } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { CSINode, StorageClass } from "../../../../protocols/kubernetes/types/storage-v1.ts";
import { classOf, isVolumeOf, SELECTED_NODE } from "../../../../protocols/kubernetes/volumes.ts";

/** What one pod's claims get on the node that it goes to. */
export interface VolumeBindings {
  readonly bind: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  readonly provision: readonly PersistentVolumeClaim[];
}

export class VolumeObjects {
  private readonly claims = new Map<string, PersistentVolumeClaim>();
  private readonly volumes = new Map<string, PersistentVolume>();
  private readonly byClass = new Map<string, Set<string>>();
  private readonly classes = new Map<string, StorageClass>();
  private readonly csiNodes = new Map<string, CSINode>();
  /** Volumes that are given to a claim, by name: the claim's key. */
  private readonly given = new Map<string, string>();
  /** Nodes that are chosen for claims whose volumes are to be made. */
  private readonly chosen = new Map<string, string>();
  private readonly listeners = new Set<() => void>();

  setClaim(key: string, claim: PersistentVolumeClaim | undefined): void {
    if (claim === undefined) this.claims.delete(key);
    else this.claims.set(key, claim);
    this.tell();
  }

  setVolume(name: string, volume: PersistentVolume | undefined): void {
    const before = this.volumes.get(name);
    if (before !== undefined) this.byClass.get(classOf(before))?.delete(name);
    if (volume === undefined) this.volumes.delete(name);
    else {
      this.volumes.set(name, volume);
      const own = classOf(volume);
      const known = this.byClass.get(own);
      if (known === undefined) this.byClass.set(own, new Set([name]));
      else known.add(name);
    }
    this.tell();
  }

  setClass(name: string, storageClass: StorageClass | undefined): void {
    if (storageClass === undefined) this.classes.delete(name);
    else this.classes.set(name, storageClass);
  }

  setCsiNode(name: string, node: CSINode | undefined): void {
    if (node === undefined) this.csiNodes.delete(name);
    else this.csiNodes.set(name, node);
  }

  claim(key: string): PersistentVolumeClaim | undefined {
    return this.claims.get(key);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.volumes.get(name);
  }

  storageClass(name: string): StorageClass | undefined {
    return this.classes.get(name);
  }

  csiNode(name: string): CSINode | undefined {
    return this.csiNodes.get(name);
  }

  /** Those of the claim's class that no other claim has been given. */
  *candidates(key: string, claim: PersistentVolumeClaim): Iterable<PersistentVolume> {
    for (const name of this.byClass.get(classOf(claim)) ?? []) {
      const owner = this.given.get(name);
      const volume = this.volumes.get(name);
      if (volume !== undefined && (owner === undefined || owner === key)) yield volume;
    }
  }

  /** Where the volume of an unbound claim is to be made; undefined while nobody has chosen. */
  nodeOf(key: string): string | undefined {
    return this.chosen.get(key) ?? this.claims.get(key)?.metadata?.annotations?.[SELECTED_NODE];
  }

  assume({ bind, provision }: VolumeBindings, node: string): void {
    for (const { claim, volume } of bind) this.given.set(volume.metadata?.name ?? "", claimKey(claim));
    for (const claim of provision) this.chosen.set(claimKey(claim), node);
  }

  /** Takes an assumption back, or lets it go once it is confirmed. */
  forget({ bind, provision }: VolumeBindings): void {
    for (const { claim, volume } of bind) {
      const { name = "" } = volume.metadata ?? {};
      if (this.given.get(name) === claimKey(claim)) this.given.delete(name);
    }
    for (const claim of provision) this.chosen.delete(claimKey(claim));
  }

  /** Whether what was decided has come true; why it never will, as a text; undefined: not yet. */
  outcome({ bind, provision }: VolumeBindings, node: string): true | string | undefined {
    for (const { metadata } of [...bind.map(({ claim }) => claim), ...provision]) {
      const { namespace, name, uid } = metadata ?? {};
      const claim = this.claims.get(`${namespace}/${name}`);
      if (claim?.metadata === undefined || claim.metadata.uid !== uid) return `claim ${namespace}/${name} is no more`;
      const volume = this.volumes.get(claim.spec?.volumeName ?? "");
      const isDone = claim.status?.phase === "Bound" && volume !== undefined && isVolumeOf(volume, claim);
      if (isDone) continue;
      const selected = claim.metadata.annotations?.[SELECTED_NODE];
      const isAsked = provision.some((one) => one.metadata?.uid === uid);
      // A provisioner that can't make it there takes the choice away.
      if (isAsked && selected !== node) return `selectedNode annotation reset for PVC ${JSON.stringify(name)}`;
      return undefined;
    }
    return true;
  }

  /** @returns how to stop being told of changes of claims and volumes */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

export function claimKey({ metadata }: PersistentVolumeClaim): string {
  return `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
}
