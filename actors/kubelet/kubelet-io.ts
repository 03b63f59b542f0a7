/** What a kubelet has of the machine itself; nothing of it in the simulation. */
import type { MachineFacts } from "./core/node-object.ts";

export interface LogRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly follow: boolean;
  /** The attempt before the latest one. */
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly sinceMs: number | undefined;
  readonly limitBytes: number | undefined;
}

export interface LogConsumer {
  /** A promise holds back what comes next. */
  next(bytes: Uint8Array): void | Promise<void>;
  end(error?: Error): void;
}

/** Answers at once with how to stop, or throws an `InkubeError` with the code LOG_NOT_FOUND or LOG_UNAVAILABLE. */
export type LogSource = (request: LogRequest, consumer: LogConsumer) => () => void;

export interface LogServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface KubeletIo {
  machine(): MachineFacts;
  /** Serves `GET /containerLogs/{namespace}/{pod}/{container}` on `host`, or on 127.0.0.1 where that can't be bound. */
  serveLogs(host: string, token: string | undefined, source: LogSource): Promise<LogServer>;
}
