/** Serves `/flagz` and `/statusz`. */
import { goDuration } from "../core/machinery/duration.ts";
import { toYaml } from "../core/machinery/yaml-text.ts";
import { JSON_OBJECT, notAccepted, preferredType } from "../core/rest/negotiation.ts";
import { warningValue } from "../core/rest/warning-header.ts";
import type { Flags, ZPage } from "../core/telemetry/zpages.ts";
import {
  flagzText,
  statuszContent,
  statuszText,
  zContentType,
  zDeprecation,
  zFormOf,
  zObject,
  ZPAGE_TYPES,
} from "../core/telemetry/zpages.ts";
import type { ApiServerOptions } from "../spec.ts";
import type { Replies, Reply } from "./answers.ts";
import { header } from "./http-messages.ts";

const encoder = new TextEncoder();
const ERROR_TYPES = ["application/json", "application/yaml"] as const;
const NO_CACHE = "no-cache, private";

export class ZPages {
  private readonly replies: Replies;
  private readonly flags: Flags;
  private readonly startedMs: number;
  private readonly nowMs: () => number;

  constructor(replies: Replies, options: ApiServerOptions, nowMs: () => number) {
    this.replies = replies;
    this.flags = flagsOf(options);
    this.nowMs = nowMs;
    this.startedMs = nowMs();
  }

  answer(reply: Reply, page: ZPage): void {
    const accept = header(reply.request, "accept");
    const form = zFormOf(page, accept);
    if (form === undefined) {
      // What they take besides JSON and YAML is nothing that is written here.
      const mediaType = preferredType(accept, ERROR_TYPES) ?? "application/json";
      return this.replies.value(reply, 406, notAccepted(ZPAGE_TYPES), { ...JSON_OBJECT, mediaType });
    }
    const deprecated = zDeprecation(page, form);
    const headers = {
      "content-type": zContentType(page, form),
      "cache-control": NO_CACHE,
      ...(deprecated === undefined ? {} : { warning: warningValue(deprecated) }),
    };
    const status = { startedMs: this.startedMs, nowMs: this.nowMs() };
    if (form.mediaType === "text/plain") {
      const text = page === "flagz" ? flagzText(this.flags) : statuszText(status);
      return this.replies.encoded(reply, 200, headers, encoder.encode(text));
    }
    const content = page === "flagz" ? { flags: this.flags } : statuszContent(status);
    const value = zObject(page, form.version, content);
    const text = form.mediaType === "application/yaml" ? toYaml(value) : JSON.stringify(value);
    this.replies.encoded(reply, 200, headers, encoder.encode(text));
  }
}

const NANO_PER_MS = 1e6;
const MS_PER_SECOND = 1_000;

/** What this server was started with, under the names of kube-apiserver's flags; those that it has no counterpart of are missing. */
function flagsOf(options: ApiServerOptions): Flags {
  const { serviceAccounts } = options;
  const list = (values: readonly string[]): string => `[${values.join(",")}]`;
  const duration = (ms: number): string => goDuration(ms * NANO_PER_MS);
  return {
    "api-audiences": list(serviceAccounts.audiences),
    "default-not-ready-toleration-seconds": String(options.tolerationSeconds),
    "default-unreachable-toleration-seconds": String(options.tolerationSeconds),
    "delete-collection-workers": String(options.deleteWorkers),
    "etcd-compaction-interval": duration(options.compactionMs),
    "etcd-prefix": "/registry",
    "etcd-servers": list(options.members),
    "event-ttl": duration(options.eventTtlSeconds * MS_PER_SECOND),
    // The priority levels divide the sum of the two.
    "max-mutating-requests-inflight": "0",
    "max-requests-inflight": String(options.requestsMax),
    "request-timeout": duration(options.requestTimeoutMs),
    "service-account-extend-token-expiration": String(serviceAccounts.extendExpiration),
    "service-account-issuer": list([serviceAccounts.issuer]),
    "service-cluster-ip-range": options.serviceCidr,
    "service-node-port-range": `${options.nodePortFirst}-${options.nodePortLast}`,
  };
}
