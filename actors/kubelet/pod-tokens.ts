/** The tokens of a node's pods: fetched for a pod, bound to it, and anew in time, so that its files never hold one that is at its end. */
import { InkubeError } from "../../protocols/errors.ts";
import type { TokenRequest } from "../../protocols/kubernetes/types/authentication-v1.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Client } from "../client/client.ts";
import { serviceAccounts } from "../client/resources.ts";
import { configError } from "./core/sources.ts";
import type { HeldToken, TokenWish } from "./core/token-life.ts";
import { JITTER_MS, heldToken, wishKey, wishesOf } from "./core/token-life.ts";

/** The token for a wish of a pod. Errors: POD_CONFIG when it could not be fetched. */
export type TokenOf = (wish: TokenWish) => string;

export class PodTokens {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly onDue: (podUids: readonly string[]) => void;
  private readonly held = new Map<string, Map<string, HeldToken>>();
  private timer: Timer | undefined;
  private wakesMs = Infinity;

  /** `onDue` is called with the pods whose tokens are to be fetched anew. */
  constructor(ctx: Context<unknown>, client: Client, onDue: (podUids: readonly string[]) => void) {
    this.ctx = ctx;
    this.client = client;
    this.onDue = onDue;
  }

  /** Pods that have tokens. */
  get size(): number {
    return this.held.size;
  }

  /** The tokens that the pod's volumes ask for, those fetched anew that are due. */
  async of(pod: Pod): Promise<TokenOf> {
    const { uid = "" } = pod.metadata ?? {};
    const wishes = wishesOf(pod);
    const failures = new Map<string, string>();
    await Promise.all(
      wishes.map(async (wish) => {
        const error = await this.renew(pod, wish);
        if (error !== undefined) failures.set(wishKey(wish), error.message);
      }),
    );
    for (const { renewMs } of this.held.get(uid)?.values() ?? []) this.wakeAt(renewMs);
    return (wish) => {
      const found = this.held.get(uid)?.get(wishKey(wish));
      if (found !== undefined) return found.token;
      throw configError(`failed to fetch token: ${failures.get(wishKey(wish)) ?? "not asked for"}`);
    };
  }

  /** The pod needs none any more. */
  release(podUid: string): void {
    this.held.delete(podUid);
  }

  /** A token that is still good stays in place when another one can't be had: it is tried again with the next look. */
  private async renew(pod: Pod, wish: TokenWish): Promise<InkubeError | undefined> {
    const { uid = "" } = pod.metadata ?? {};
    const key = wishKey(wish);
    const nowMs = this.ctx.clock.nowMs();
    const known = this.held.get(uid)?.get(key);
    if (known !== undefined && nowMs < known.renewMs) return undefined;
    try {
      this.hold(uid, key, await this.request(pod, wish));
      return undefined;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.warn("token not fetched", { pod: pod.metadata?.name ?? "", error: error.message });
      if (known === undefined) return error;
      if (nowMs >= known.expiresMs) this.held.get(uid)?.delete(key);
      else this.hold(uid, key, { ...known, renewMs: nowMs + JITTER_MS });
      return error;
    }
  }

  private hold(podUid: string, key: string, token: HeldToken): void {
    const ofPod = this.held.get(podUid) ?? new Map<string, HeldToken>();
    ofPod.set(key, token);
    this.held.set(podUid, ofPod);
  }

  private async request(pod: Pod, { audience, expirationSeconds }: TokenWish): Promise<HeldToken> {
    const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
    const account = pod.spec?.serviceAccountName ?? "";
    const request: TokenRequest = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { name: account, namespace },
      spec: {
        audiences: audience === "" ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    };
    const answer = (await this.client.create(serviceAccounts, request, { subresource: "token" })) as TokenRequest;
    const { token = "", expirationTimestamp = "" } = answer.status ?? {};
    const seconds = answer.spec?.expirationSeconds ?? expirationSeconds;
    return heldToken(token, seconds, Date.parse(expirationTimestamp), this.ctx.random.below(JITTER_MS));
  }

  /** One timer for all: it rings when the first one is due. */
  private wakeAt(renewMs: number): void {
    if (renewMs >= this.wakesMs) return;
    this.timer?.cancel();
    this.wakesMs = renewMs;
    const { clock } = this.ctx;
    this.timer = clock.after(Math.max(0, renewMs - clock.nowMs()), () => this.ring());
  }

  private ring(): void {
    this.timer = undefined;
    this.wakesMs = Infinity;
    const nowMs = this.ctx.clock.nowMs();
    const due = new Set<string>();
    for (const [podUid, ofPod] of this.held) {
      for (const { renewMs } of ofPod.values()) {
        if (renewMs <= nowMs) due.add(podUid);
        else this.wakeAt(renewMs);
      }
    }
    this.onDue([...due]);
  }
}
