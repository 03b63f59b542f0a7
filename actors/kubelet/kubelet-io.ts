/** What a kubelet has of the machine itself; nothing of it in the simulation. */
import type { StatsSummary } from "../../protocols/kubelet.ts";
import type { MetricFamily } from "../../runtime/metrics/metrics.ts";
import type { DoorUser } from "./core/door-request.ts";
import type { Address } from "../../runtime/net.ts";
import type { HealthAnswer } from "./core/grpc-health.ts";
import type { ReachRequest } from "./core/reach-request.ts";
import type { MachineFacts } from "./core/node-object.ts";
import type { KubeletDoor } from "./spec.ts";

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

/** The address of the runtime's streaming server. Errors: an `InkubeError`; with the code POD_NOT_FOUND where the pod is not on this node. */
export type ReachSource = (request: ReachRequest) => Promise<string>;

/** Errors: an `InkubeError` while the container runtime does not answer. */
export type StatsSource = () => Promise<StatsSummary>;

/** Of the kubelet itself (""), and of what its containers use and how their probes went. */
export type MetricsPage = "" | "cadvisor" | "probes" | "resource";
export type MetricsSource = (page: MetricsPage) => Promise<readonly MetricFamily[]>;

/** What is served besides the logs. */
export interface Served {
  readonly stats: StatsSource;
  readonly metrics: MetricsSource;
  readonly reach: ReachSource;
}

/**
 * Who is let in. `token`: whoever brings that of the cluster, over plain HTTP; undefined: anyone. `door`: over HTTPS, whoever shows a
 * certificate and `mayAsk` says may.
 */
export type Admission =
  | { readonly token: string | undefined; readonly door?: undefined }
  | {
      readonly door: KubeletDoor;
      readonly mayAsk: (user: DoorUser, path: string) => Promise<boolean>;
    };

export interface LogServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Where the volumes of pods are. Paths are relative to the kubelet's own directory, but those of `hostPath`, `keptDirectory` and `ensureBelow`. Groups are given where the
 * operating system lets us. Errors: VOLUME_IO, or what the disk of an actor answers.
 */
export interface VolumeDisk {
  makeDirectory(path: string, mode?: number, group?: number): Promise<void>;
  /** Makes the file, and the directories above it. */
  write(path: string, bytes: Uint8Array, mode: number, group: number | undefined): Promise<void>;
  /** A symbolic link at `path`. */
  link(target: string, path: string): Promise<void>;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** A file or a whole directory; nothing happens when there is none. */
  remove(path: string): Promise<void>;
  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): Promise<readonly string[]>;
  /** What a directory and all below it takes on the disk, in bytes; 0 when there is none. */
  size(path: string): Promise<number>;
  /** Sees to it that a place of the machine is of a `hostPath`'s type. Errors: POD_CONFIG when it can't be. */
  hostPath(path: string, type: string): Promise<void>;
  /** Makes a directory of the machine, and those above it. */
  keptDirectory(path: string, mode: number, group: number | undefined): Promise<void>;
  /** Makes a directory below another one where there is nothing. Answers whether it, its links followed, lies below that one. */
  ensureBelow(directory: string, path: string): Promise<boolean>;
}

/** How a server of gRPC says that it is. */
export type HealthSource = (
  address: Address,
  asked: { readonly service: string; readonly isTls: boolean },
  timeoutMs: number,
) => Promise<HealthAnswer>;

export interface KubeletIo {
  readonly health: HealthSource;
  machine(): MachineFacts;
  volumes(root: string): VolumeDisk;
  /**
   * Serves `GET /containerLogs/{namespace}/{pod}/{container}`, `GET /stats/summary`, `GET /metrics` with its pages, and upgrades of
   * `/exec/…`, `/attach/…` and `/portForward/…` on `host`, or on 127.0.0.1 where that can't be bound.
   */
  serveLogs(host: string, admission: Admission, source: LogSource, served: Served): Promise<LogServer>;
}
