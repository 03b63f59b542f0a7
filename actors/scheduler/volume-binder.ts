/** Follows what the scheduler needs to know of volumes, and carries out what it has decided of a pod's claims before the pod is bound. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { annotated, boundVolume, SELECTED_NODE } from "../../protocols/kubernetes/volumes.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import { keyOf } from "../client/core/store.ts";
import { Informer } from "../client/informer.ts";
import type { Resource } from "../client/resources.ts";
import { csiNodes, persistentVolumeClaims, persistentVolumes, storageClasses } from "../client/resources.ts";
import type { VolumeBindings } from "./core/volumes/volume-objects.ts";
import { VolumeObjects } from "./core/volumes/volume-objects.ts";

/** How long a provisioner may take. Kubernetes: `bindTimeoutSeconds`, 600. */
const BIND_TIMEOUT_MS = 600_000;

export class VolumeBinder {
  readonly objects: VolumeObjects = new VolumeObjects();
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly informers: Informer<KubernetesObject>[] = [];
  private readonly givenUp = new Set<() => void>();

  /** `onChange`: told the resource of what has changed, which pods may have waited for. */
  constructor(
    ctx: Context<unknown>,
    client: Client,
    onChange: (resource: string) => void,
    onFault: (thrown: unknown, key: string) => void,
  ) {
    this.ctx = ctx;
    this.client = client;
    const follow = <T extends KubernetesObject>(
      resource: Resource<T>,
      put: (key: string, object: T | undefined) => void,
    ): void => {
      const informer = new Informer(ctx, client, resource, {}, undefined, onFault);
      informer.onChange(({ type, object }) => {
        put(keyOf(object), type === "deleted" ? undefined : object);
        onChange(resource.resource);
      });
      this.informers.push(informer as unknown as Informer<KubernetesObject>);
    };
    const { objects } = this;
    follow(persistentVolumeClaims, (key, claim) => objects.setClaim(key, claim));
    follow(persistentVolumes, (name, volume) => objects.setVolume(name, volume));
    follow(storageClasses, (name, of) => objects.setClass(name, of));
    follow(csiNodes, (name, node) => objects.setCsiNode(name, node));
  }

  start(): void {
    for (const informer of this.informers) informer.start();
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.whenSynced()));
  }

  stop(): void {
    for (const informer of this.informers) informer.stop();
    for (const giveUp of [...this.givenUp]) giveUp();
  }

  /**
   * Writes what was decided, and resolves when the claims are bound. Errors: VOLUME_BINDING when they can't be, or not in time; those of
   * the client.
   */
  async bind(bindings: VolumeBindings, node: string, why: Why): Promise<void> {
    const client = this.client.because(why);
    for (const { claim, volume } of bindings.bind) {
      const given = boundVolume(volume, claim);
      if (given !== undefined) await client.update(persistentVolumes, given);
    }
    for (const claim of bindings.provision) {
      if (claim.metadata?.annotations?.[SELECTED_NODE] === node) continue;
      const metadata = annotated(claim.metadata, { [SELECTED_NODE]: node });
      const asked = await client.update(persistentVolumeClaims, { ...claim, metadata });
      // Its notification may be late, and is not to be taken for a choice that was taken away.
      this.objects.setClaim(keyOf(asked), asked);
    }
    await this.settled(bindings, node);
  }

  private settled(bindings: VolumeBindings, node: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (problem?: string): void => {
        stop();
        timer.cancel();
        this.givenUp.delete(giveUp);
        if (problem === undefined) resolve();
        else reject(new InkubeError("VOLUME_BINDING", `binding volumes: ${problem}`, { retryable: true }));
      };
      const giveUp = (): void => end("another scheduler leads");
      const look = (): void => {
        const outcome = this.objects.outcome(bindings, node);
        if (outcome !== undefined) end(outcome === true ? undefined : outcome);
      };
      const stop = this.objects.onChange(look);
      const timer = this.ctx.clock.after(BIND_TIMEOUT_MS, () => end("context deadline exceeded"));
      this.givenUp.add(giveUp);
      look();
    });
  }
}
