/**
 * How many workers somebody wishes for who talks to the API alone, as `inkube scale workers 5` does: the ConfigMap `inkube` in
 * `kube-system` holds `workers: "5"`. The cluster follows it, and tells by an event what came of it. A new start begins with
 * what its own options say.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { ConfigMap } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { Informer } from "../client/informer.ts";
import { configMaps } from "../client/resources.ts";
import { WORKERS_MAX } from "./options.ts";
import type { Workers } from "./workers.ts";

export const SCALE: { readonly namespace: string; readonly name: string } = {
  namespace: "kube-system",
  name: "inkube",
};

export class WorkerScale {
  private readonly client: Client;
  private readonly workers: Workers;
  private readonly recorder: EventRecorder;
  private readonly informer: Informer<ConfigMap>;

  constructor(ctx: Context<unknown>, client: Client, workers: Workers) {
    this.client = client;
    this.workers = workers;
    this.recorder = new EventRecorder(ctx, client, "inkube");
    this.informer = new Informer(ctx, client, configMaps, {
      namespace: SCALE.namespace,
      fieldSelector: `metadata.name=${SCALE.name}`,
    });
  }

  /** A wish that an earlier start has left is replaced by what is. */
  async start(): Promise<void> {
    const left = await this.client.find(configMaps, SCALE.name, SCALE.namespace);
    const count = String(this.workers.names().length);
    if (left !== undefined && left.data?.["workers"] !== count)
      await this.client.update(configMaps, { ...left, data: { ...left.data, workers: count } });
    this.informer.onChange(({ type, object }) => {
      if (type !== "deleted") void this.follow(object);
    });
    this.informer.start();
  }

  stop(): void {
    this.informer.stop();
  }

  private async follow(wish: ConfigMap): Promise<void> {
    const told = { apiVersion: "v1", kind: "ConfigMap", ...wish };
    const text = wish.data?.["workers"];
    if (text === undefined) return;
    const count = /^\d{1,3}$/.test(text) ? Number(text) : Infinity;
    if (count > WORKERS_MAX) {
      const message = `workers must be a whole number from 0 to ${WORKERS_MAX}, not "${text}"`;
      return this.recorder.event(told, "Warning", "InvalidScale", message);
    }
    try {
      // How many there are is known only when the wishes before this one are fulfilled.
      const before = await this.workers.scale(count);
      if (count === before) return;
      this.recorder.event(told, "Normal", "Scaled", `Scaled workers from ${before} to ${count}`);
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.recorder.event(told, "Warning", "FailedScale", `Scaling workers to ${count}: ${error.message}`);
    }
  }
}
