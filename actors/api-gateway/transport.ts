/** How an API server on the network is reached, as the shell sees it. */
import type { HttpRequest } from "./core/http-request.ts";
import type { ApiGatewayOptions } from "./spec.ts";

export interface HttpAnswer {
  readonly code: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

export interface WatchConsumer {
  /** Refused. */
  refused(answer: HttpAnswer): void;
  data(bytes: Uint8Array): void;
  /** Over; with an error when the connection has broken. */
  end(error?: Error): void;
}

export interface Transport {
  /**
   * The whole answer. Errors: CONNECTION_FAILED when the server can't be reached, or not any more, before it answers; BAD_ANSWER for one
   * that is too long.
   */
  ask(request: HttpRequest, userAgent: string, signal: AbortSignal): Promise<HttpAnswer>;
  /** Answers with how to end it. */
  watch(request: HttpRequest, userAgent: string, consumer: WatchConsumer): () => void;
  close(): void;
}

export type OpenTransport = (options: ApiGatewayOptions) => Transport;
