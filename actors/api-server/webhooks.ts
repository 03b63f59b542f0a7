/** Calls of webhooks: whom a configuration names is found out here, and told what; what the answer means is for the caller to judge. */
import type { WebhookClientConfig } from "../../protocols/kubernetes/types/admissionregistration-v1.ts";
import type { WebhookTarget } from "./core/webhooks/client-config.ts";
import { notReached, targetOf, timeoutQuery } from "./core/webhooks/client-config.ts";
import type { Read, WebhookReply } from "./core/webhooks/reply.ts";
import type { Address } from "./core/webhooks/service-address.ts";
import { addressOfService } from "./core/webhooks/service-address.ts";
import type { HttpsClient } from "./outward.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** As kube-apiserver says it of a webhook. */
const LATE = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)";

const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, */*",
  "user-agent": "kube-apiserver-admission",
};

export class Webhooks {
  private readonly options: Pick<ApiServerOptions, "webhookTimeoutMs" | "webhookAnswerBytesMax">;
  private readonly store: Store;
  private readonly client: HttpsClient;

  constructor(
    options: Pick<ApiServerOptions, "webhookTimeoutMs" | "webhookAnswerBytesMax">,
    store: Store,
    client: HttpsClient,
  ) {
    this.options = options;
    this.store = store;
    this.client = client;
  }

  /**
   * @param timeoutMs how long it is waited for; no longer than `webhookTimeoutMs`
   * @param signal ends the call: nobody waits for it any more
   */
  async post(
    config: WebhookClientConfig,
    body: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Read<WebhookReply>> {
    const waitMs = Math.max(1, Math.min(timeoutMs, this.options.webhookTimeoutMs));
    const target = targetOf(config);
    if (typeof target === "string") return { error: target };
    const address = this.addressOf(target);
    if (typeof address === "string") return { error: notReached(target, waitMs, address) };
    const { serverName, authority, ca } = target;
    const reply = await this.client.ask({
      peer: { ...address, serverName, ca },
      path: target.path + timeoutQuery(waitMs),
      headers: { host: authority, ...HEADERS },
      body,
      signal,
      timeoutMs: waitMs,
      late: LATE,
      answerBytesMax: this.options.webhookAnswerBytesMax,
    });
    return reply.error === undefined ? reply : { error: notReached(target, waitMs, reply.error) };
  }

  private addressOf({ place }: WebhookTarget): Address | string {
    if ("host" in place) return place;
    return addressOfService(place, (prefix, key) => this.store.cache(prefix).newest(key)?.object);
  }
}
