/** What this server asks others of its own accord, over HTTPS: webhooks, and servers behind APIServices. */
import type { Read, WebhookReply } from "./core/webhooks/reply.ts";

/** A server, and how it is known to be the right one. */
export interface HttpsPeer {
  readonly host: string;
  readonly port: number;
  /** Whom the certificate must name. */
  readonly serverName: string;
  /** PEM of who may have signed it; undefined: whom this machine trusts. */
  readonly ca: string | undefined;
  /** Whoever it is will do. */
  readonly insecure?: boolean;
  /** Says who this server is. PEM. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
}

export interface HttpsCall {
  readonly peer: HttpsPeer;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** With one it is a POST, without a GET. */
  readonly body?: string;
  readonly timeoutMs: number;
  /** Ends it early: "context canceled". */
  readonly signal?: AbortSignal;
  /** What is said when it has taken longer. */
  readonly late: string;
  /** A longer answer is given up. */
  readonly answerBytesMax: number;
}

export interface HttpsReply extends WebhookReply {
  /** "" when there is none. */
  readonly etag: string;
}

export interface HttpsClient {
  /** Never rejects over what the other side does: an error is told in the words of Go's client. */
  ask(call: HttpsCall): Promise<Read<HttpsReply>>;
  close(): void;
}

export type OpenHttps = () => HttpsClient;

/** Where there are no sockets: nobody listens anywhere. */
export const noHttps: OpenHttps = () => ({
  ask: ({ peer: { host, port } }) =>
    Promise.resolve({ error: `dial tcp ${host}:${port}: connect: connection refused` }),
  close: () => undefined,
});
