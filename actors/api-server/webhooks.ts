/**
 * Calls of webhooks: whom a configuration names is found out here, and told what; what the answer means is for the caller to judge.
 * The outside world is behind `WebhookSender`.
 */
import type { WebhookClientConfig } from "../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { WebhookTarget } from "./core/webhooks/client-config.ts";
import { notReached, targetOf, timeoutQuery } from "./core/webhooks/client-config.ts";
import type { Read, WebhookReply } from "./core/webhooks/reply.ts";
import type { Address } from "./core/webhooks/service-address.ts";
import { addressOfService } from "./core/webhooks/service-address.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

export interface WebhookCall {
  readonly address: Address;
  /** Whom the certificate must name. */
  readonly serverName: string;
  /** Of the header `Host`. */
  readonly authority: string;
  /** With its query. */
  readonly path: string;
  /** PEM; undefined: whom this machine trusts. */
  readonly ca: string | undefined;
  /** JSON. */
  readonly body: string;
  readonly timeoutMs: number;
  /** A longer answer is given up. */
  readonly answerBytesMax: number;
}

/** HTTPS to the outside world. */
export interface WebhookSender {
  /** Never rejects over what the other side does: an error is told in the words of Go's client. */
  post(call: WebhookCall): Promise<Read<WebhookReply>>;
  close(): void;
}

export type OpenWebhooks = () => WebhookSender;

/** For the simulation, which has no network: nobody listens anywhere. */
export const noWebhooks: OpenWebhooks = () => ({
  post: ({ address }) =>
    Promise.resolve({ error: `dial tcp ${address.host}:${address.port}: connect: connection refused` }),
  close: () => undefined,
});

export class Webhooks {
  private readonly options: Pick<ApiServerOptions, "webhookTimeoutMs" | "webhookAnswerBytesMax">;
  private readonly store: Store;
  private readonly sender: WebhookSender;

  constructor(
    options: Pick<ApiServerOptions, "webhookTimeoutMs" | "webhookAnswerBytesMax">,
    store: Store,
    sender: WebhookSender,
  ) {
    this.options = options;
    this.store = store;
    this.sender = sender;
  }

  /** @param timeoutMs how long it is waited for; no longer than `webhookTimeoutMs` */
  async post(config: WebhookClientConfig, body: string, timeoutMs: number): Promise<Read<WebhookReply>> {
    const waitMs = Math.max(1, Math.min(timeoutMs, this.options.webhookTimeoutMs));
    const target = targetOf(config);
    if (typeof target === "string") return { error: target };
    const address = this.addressOf(target);
    if (typeof address === "string") return { error: notReached(target, waitMs, address) };
    const { serverName, authority, ca } = target;
    const reply = await this.sender.post({
      address,
      serverName,
      authority,
      ca,
      path: target.path + timeoutQuery(waitMs),
      body,
      timeoutMs: waitMs,
      answerBytesMax: this.options.webhookAnswerBytesMax,
    });
    return reply.error === undefined ? reply : { error: notReached(target, waitMs, reply.error) };
  }

  close(): void {
    this.sender.close();
  }

  private addressOf({ place }: WebhookTarget): Address | string {
    if ("host" in place) return place;
    return addressOfService(place, (prefix, key) => this.store.cache(prefix).newest(key)?.object);
  }
}
