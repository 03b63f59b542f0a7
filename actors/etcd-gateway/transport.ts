/** gRPC to one member of etcd, as the shell sees it. */
import type { Draft } from "../../protocols/etcd-wire/codec.ts";
import type { Messages, Methods } from "../../protocols/etcd-wire/messages.ts";
import type { EtcdGatewayOptions } from "./spec.ts";

type RequestName<Path extends keyof Methods> = Methods[Path][0] & keyof Messages;
type AnswerName<Path extends keyof Methods> = Methods[Path][1] & keyof Messages;
export type RequestTo<Path extends keyof Methods> = Draft<Messages[RequestName<Path>]>;
export type AnswerOf<Path extends keyof Methods> = Messages[AnswerName<Path>];

export interface Consumer<Answer> {
  next(answer: Answer): void;
  /** Over: as the server says, or because the connection has broken. */
  end(error: Error): void;
}

export interface Transport {
  /**
   * One request, one answer (the first of several). Errors: `GrpcStatus` as the member answers; NOT_SENT when it can't be reached, and so
   * certainly has not got it; CONNECTION_LOST when nobody knows.
   */
  call<Path extends keyof Methods>(
    path: Path,
    request: RequestTo<Path>,
    limits: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<AnswerOf<Path>>;
  /** One request, answers until somebody ends it. Answers with how to. */
  stream<Path extends keyof Methods>(
    path: Path,
    request: RequestTo<Path>,
    consumer: Consumer<AnswerOf<Path>>,
  ): () => void;
  close(): void;
}

export type OpenTransport = (options: EtcdGatewayOptions) => Transport;

export const NOT_SENT = "NOT_SENT";
export const CONNECTION_LOST = "CONNECTION_LOST";
