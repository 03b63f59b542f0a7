/** Calls of etcd's clients as the services see them, whatever carries them. */
import type { Draft } from "../../../protocols/etcd-wire/codec.ts";
import type { Messages, Methods } from "../../../protocols/etcd-wire/messages.ts";
import type { GrpcCode } from "../../../protocols/etcd-wire/grpc.ts";
import { GRPC, GrpcStatus } from "../../../protocols/etcd-wire/grpc.ts";
import { ETCD_ERRORS } from "../../../protocols/etcd-errors.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { EtcdErrorCode } from "../../../protocols/etcd.ts";
import type { Incoming } from "../../../runtime/actor.ts";

/** `from` names the connection. */
export interface GrpcCall extends Incoming {
  /** A header of the request. */
  metadata(name: string): string | undefined;
  /** The common name of the client's certificate, where one was checked. */
  readonly commonName: string | undefined;
}

export interface GrpcStream<Answer> extends GrpcCall {
  /** Nothing is sent any more once the stream has ended. */
  send(answer: Draft<Answer>): void;
  /** The client does not read: what else is sent is kept in memory. */
  readonly isFull: boolean;
  /** Resolves once the client has read what was sent, or is gone. */
  drained(): Promise<void>;
  /** Ends it well, or with what `statusOf` makes of the error. */
  end(error?: Error): void;
}

type RequestOf<Path extends keyof Methods> = Messages[Methods[Path][0]];
type AnswerOf<Path extends keyof Methods> = Messages[Methods[Path][1]];
/** What the requests of a bidirectional stream go to. */
export interface Receiver<Request> {
  next(request: Request): void;
  /** The client sends no more. */
  end(): void;
}

type HandlerOf<Path extends keyof Methods> = Methods[Path][2] extends "unary"
  ? (request: RequestOf<Path>, call: GrpcCall) => Draft<AnswerOf<Path>> | Promise<Draft<AnswerOf<Path>>>
  : Methods[Path][2] extends "stream"
    ? (request: RequestOf<Path>, stream: GrpcStream<AnswerOf<Path>>) => Promise<void>
    : (stream: GrpcStream<AnswerOf<Path>>) => Receiver<RequestOf<Path>>;

/** What is missing is answered with UNIMPLEMENTED. */
export type Services = { readonly [Path in keyof Methods]?: HandlerOf<Path> };

/** Undefined for what is no answer to a client but a fault of ours. */
export function statusOf(error: unknown): GrpcStatus | undefined {
  if (error instanceof GrpcStatus) return error;
  if (!hasCode(error)) return undefined;
  const { code } = error;
  if (Object.hasOwn(ETCD_ERRORS, code)) {
    const { grpc, text } = ETCD_ERRORS[code as EtcdErrorCode];
    return new GrpcStatus(grpc, text);
  }
  if (code === "INVALID_ARGUMENT") return new GrpcStatus(GRPC.INVALID_ARGUMENT, error.message);
  // Of a request that was passed on to the leader: it may have been carried out.
  return new GrpcStatus(GRPC.UNAVAILABLE, ETCD_ERRORS.ETCD_TIMEOUT.text);
}

export function status(code: GrpcCode, message: string): GrpcStatus {
  return new GrpcStatus(code, message);
}
