/** What a scheduler writes about pods that have no node: why, where room is made for them, and the eviction of those that give way. */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import { formatTime } from "../../runtime/clock.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import { pods } from "../client/resources.ts";
import type { PodInfo } from "./core/pod-info.ts";

/** What an Event's note may hold. */
const NOTE_CHARS_MAX = 1_024;

export class PodReporter {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly recorder: EventRecorder;

  constructor(ctx: Context<unknown>, client: Client, recorder: EventRecorder) {
    this.ctx = ctx;
    this.client = client;
    this.recorder = recorder;
  }

  /** `nominatedNode` undefined: what is nominated stays; "": nothing is. */
  async unschedulable(pod: PodInfo, message: string, nominatedNode: string | undefined, why: Why): Promise<void> {
    this.recorder.because(why).event(typedPod(pod), "Warning", "FailedScheduling", shortened(message));
    const { status } = pod.pod;
    const shown = status?.conditions?.find(({ type }) => type === "PodScheduled");
    const isShown = shown?.status === "False" && shown.message === message;
    const isNominated = nominatedNode === undefined || nominatedNode === (status?.nominatedNodeName ?? "");
    if (isShown && isNominated) return;
    const { generation } = pod.pod.metadata ?? {};
    const condition = {
      type: "PodScheduled",
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: shown?.status === "False" ? shown.lastTransitionTime : formatTime(this.ctx.clock.nowMs()),
    };
    const nomination = isNominated ? {} : { nominatedNodeName: nominatedNode === "" ? null : nominatedNode };
    await this.patchStatus(pod, { conditions: [condition], ...nomination }, why);
  }

  /** Evicts `victims` for `pod`. False: not all of them could be; what was done stays done. */
  async preempt(
    pod: PodInfo,
    node: string,
    victims: readonly PodInfo[],
    displaced: readonly PodInfo[],
    why: Why,
  ): Promise<boolean> {
    await Promise.all(displaced.map((other) => this.patchStatus(other, { nominatedNodeName: null }, why)));
    const evicted = await Promise.all(victims.map((victim) => this.evict(victim, pod, node, why)));
    return evicted.every(Boolean);
  }

  private async evict(victim: PodInfo, pod: PodInfo, node: string, why: Why): Promise<boolean> {
    const schedulerName = pod.pod.spec?.schedulerName ?? "default-scheduler";
    const { generation } = victim.pod.metadata ?? {};
    const condition = {
      type: "DisruptionTarget",
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      status: "True",
      reason: "PreemptionByScheduler",
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      lastProbeTime: null,
      lastTransitionTime: formatTime(this.ctx.clock.nowMs()),
    };
    const { name, namespace, uid } = victim.pod.metadata ?? {};
    const evicted = this.ctx.trace.event("pod-evicted", `pods/${victim.key}`, { node, by: pod.key }, why);
    try {
      await this.client
        .because(evicted)
        .patch(pods, name ?? "", namespace, { metadata: { uid }, status: { conditions: [condition] } }, STATUS);
      await this.client
        .because(evicted)
        .delete(pods, name ?? "", namespace, uid === undefined ? {} : { preconditions: { uid } });
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      // What is gone gives way; another pod of its name is no victim.
      if (hasReason(error, "NotFound") || hasReason(error, "Conflict")) return true;
      this.ctx.log.debug("victim not evicted", { pod: victim.key, error: error.message });
      return false;
    }
    const message = `Preempted by pod ${pod.uid} on node ${node}`;
    this.recorder.because(evicted).event(typedPod(victim), "Normal", "Preempted", message);
    return true;
  }

  private async patchStatus(pod: PodInfo, status: object, why: Why): Promise<void> {
    const { name, namespace } = pod.pod.metadata ?? {};
    try {
      await this.client.because(why).patch(pods, name ?? "", namespace, { status }, STATUS);
    } catch (error) {
      // The status only tells: the next attempt writes it again.
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.debug("status not written", { pod: pod.key, error: error.message });
    }
  }
}

const STATUS = { patchType: "application/strategic-merge-patch+json", subresource: "status" } as const;

function shortened(message: string): string {
  return message.length <= NOTE_CHARS_MAX ? message : `${message.slice(0, NOTE_CHARS_MAX - 4)} ...`;
}

export function typedPod(pod: PodInfo): Pod {
  return { apiVersion: "v1", kind: "Pod", ...pod.pod };
}
