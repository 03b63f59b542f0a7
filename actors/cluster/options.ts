/** What a cluster is asked to be, and the check of it. Every error says which option, what is wrong, and what would be right. */
import { isIPv4 } from "node:net";
import { InkubeError } from "../../protocols/errors.ts";
import { tryParseQuantity } from "../../protocols/kubernetes/quantity.ts";
import type { OtlpOptions } from "../trace-collector/spec.ts";
import type { AuditOptions } from "../api-server/audit.ts";
import type { AuditLogOptions } from "./audit-options.ts";
import type { ExternalEtcd, ExternalEtcdOptions } from "./external-etcd.ts";
import { checkExternalEtcd } from "./external-etcd.ts";
import { resolveAudit } from "./audit-options.ts";
import type { ClusterEvent } from "./cluster.ts";
import type { SchedulerOptions } from "../scheduler/spec.ts";
import type { SchedulerConfigurationOptions } from "./scheduler-options.ts";
import { resolveScheduler } from "./scheduler-options.ts";
import type { Role } from "./topology.ts";
import { HEAP_LIMITS_MB } from "./topology.ts";

export interface ClusterOptions {
  /** Masters: an etcd member, API server, scheduler and controller-manager each. Odd, 1 to 7; 3 survive the loss of one. Default 3. */
  readonly masters?: number;
  /** Worker nodes: a kubelet, kube-proxy and container-runtime each. 0 to 500. Default 3. */
  readonly workers?: number;
  /** Name in the kubeconfig. Default `inkube`. */
  readonly name?: string;
  /**
   * Where everything is kept, durably: a cluster started on it again has all its objects and runs its pods again.
   * Absent: in a temporary directory that is removed at the stop, and nothing is synced.
   */
  readonly dataDir?: string;
  /**
   * A snapshot (`cluster.snapshot()`) to begin with, in a directory that holds no cluster yet: all its objects are there, under a
   * new cluster id and with the old keys, revisions go on, and pods are run again. The number of masters and workers may be another.
   */
  readonly from?: Uint8Array;
  /** Address of this machine to serve the Kubernetes API on, where nodes and clients come from elsewhere: IPv4. Default 127.0.0.1. */
  readonly host?: string;
  /** Port of the Kubernetes API. Default 0: any free one. */
  readonly port?: number;
  /**
   * `listen`: a door for etcd's own clients (gRPC), on 127.0.0.1. `endpoints`: an etcd cluster elsewhere, in place of the cluster's own;
   * keys and addresses are still kept in `dataDir`, which it needs. Default: neither.
   */
  readonly etcd?: EtcdDoorOptions | ExternalEtcdOptions;
  /** What image names run, besides the built-in ones. Relative paths are from the current directory. */
  readonly images?: Readonly<Record<string, ImageOptions>>;
  /** `simulated`: every container is a simulation that costs nothing. Default `real`. */
  readonly pods?: "real" | "simulated";
  /**
   * How actors share threads. `thread-per-actor`: they don't, and whatever one does harms no other. `nodesPerThread`: the
   * actors of so many workers are on one thread, which takes a fraction of the memory and of the start; an actor that
   * throws ends alone all the same, one that spins takes those workers along. Masters, and container runtimes of real
   * pods, always have threads of their own. Default `thread-per-actor`.
   */
  readonly placement?: "thread-per-actor" | { readonly nodesPerThread: number };
  /**
   * `false`: the API alone, as envtest gives it: no scheduler, no controllers, so nothing but the API's own rules changes an
   * object, and what is deleted with a finalizer or in a namespace waits for your own controllers. Default true.
   */
  readonly controllers?: boolean;
  /**
   * How long a pod stays on a node that is lost or not ready, in seconds, where it does not say so itself. Kubernetes has
   * 300; here a node is lost within seconds. Default 1.
   */
  readonly tolerationSeconds?: number;
  /** What each worker offers, as in `node.status.capacity`. Default: the machine's own, and 110 pods. */
  readonly capacity?: { readonly cpu?: string; readonly memory?: string; readonly pods?: string };
  /** Kills and restarts a thread that stays away from its event loop for so long. Default 3,000. */
  readonly hangAfterMs?: number;
  /**
   * Threads that wait with every actor's code loaded, so that a crashed actor is replaced without starting a thread; made
   * once the cluster is up. 0 saves their memory. Default 1.
   */
  readonly spareThreads?: number;
  /**
   * What the heap of each actor of a kind may hold, in MB, in place of the defaults: 1,024 for what runs on masters and the
   * trace collector, 256 for a worker's. An actor that has four fifths of it in use hands over and is restarted
   * (`heap-guard`). Actors that share a thread (`placement`) have Node's own limit together.
   */
  readonly heapLimitsMb?: HeapLimits;
  /**
   * A collector of OpenTelemetry that is sent what happens, as spans over HTTP: `http://127.0.0.1:4318`, or the whole address of its
   * traces. What it does not take in time is dropped, never waited for. Absent: nothing is sent.
   */
  readonly otlp?: string | { readonly url: string; readonly headers?: Readonly<Record<string, string>> };
  /** An audit log of what is asked of the API: which requests its policy keeps, and how much of each. Default: none. */
  readonly audit?: AuditLogOptions;
  /** How pods are given nodes: profiles, weights and arguments of Kubernetes' plugins, and plugins of your own. */
  readonly scheduler?: SchedulerConfigurationOptions;
  /** How long `start` may take. Default 60,000. */
  readonly startTimeoutMs?: number;
  /**
   * Told of each actor that comes up, goes down or is restarted, from the first one on, and of alarms: a full, damaged or
   * lost disk of a member of etcd. Without it alarms go to the console.
   */
  readonly onEvent?: (event: ClusterEvent) => void;
}

export interface EtcdDoorOptions {
  readonly listen: {
    /** Of the first member; each further one has the next. Default 0: any free ones. `cluster.etcdEndpoints()` tells which. */
    readonly port?: number;
    /**
     * `true`: TLS, for clients with a certificate of the cluster in the group `system:masters`. `false`: whoever can reach the
     * port reads and writes everything, Secrets too. Default `true`.
     */
    readonly tls?: boolean;
  };
}

/** A container image of the user: a JavaScript module on a thread of its own, or a command as a child process. */
export type ImageOptions =
  | { readonly module: string; readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> }
  | {
      readonly command: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      /** Default: the current directory. */
      readonly workingDir?: string;
    };

export type HeapLimits = { readonly [role in Role]?: number };

export interface ResolvedOptions {
  readonly masters: number;
  readonly workers: number;
  readonly name: string;
  readonly dataDir: string | undefined;
  readonly from: Uint8Array | undefined;
  readonly host: string;
  readonly port: number;
  readonly etcd: { readonly port: number; readonly tls: boolean } | undefined;
  readonly externalEtcd: ExternalEtcd | undefined;
  readonly images: Readonly<Record<string, ImageOptions>>;
  readonly pods: "real" | "simulated";
  readonly nodesPerThread: number | undefined;
  readonly controllers: boolean;
  readonly tolerationSeconds: number;
  readonly capacity: { readonly cpu?: string; readonly memory?: string; readonly pods?: string };
  readonly hangAfterMs: number;
  readonly spareThreads: number;
  readonly heapLimitsMb: HeapLimits;
  readonly otlp: OtlpOptions | undefined;
  readonly audit: AuditOptions | undefined;
  readonly scheduler: Pick<SchedulerOptions, "configuration" | "plugins"> | undefined;
  readonly startTimeoutMs: number;
  readonly onEvent: ((event: ClusterEvent) => void) | undefined;
}

const KNOWN: readonly (keyof ClusterOptions)[] = [
  "masters",
  "workers",
  "name",
  "dataDir",
  "from",
  "host",
  "port",
  "etcd",
  "images",
  "pods",
  "placement",
  "controllers",
  "tolerationSeconds",
  "capacity",
  "hangAfterMs",
  "spareThreads",
  "heapLimitsMb",
  "otlp",
  "audit",
  "scheduler",
  "startTimeoutMs",
  "onEvent",
];
/** A quorum of more costs every write and survives nothing that matters within one process. */
const MASTERS_MAX = 7;
/** Three threads each; what a machine of 24 GiB holds. */
export const WORKERS_MAX = 500;
/** Below it an actor that has just started may be over its limit; above it no machine has the memory. */
const HEAP_LIMIT_MB_MIN = 64;
const HEAP_LIMIT_MB_MAX = 65_536;
/** More than a master and a worker have actors is never needed at once. */
const SPARES_MAX = 16;

/** Errors: INVALID_OPTION. */
export function resolveOptions(options: ClusterOptions): ResolvedOptions {
  if (typeof options !== "object" || options === null)
    throw invalidOption("options", `must be an object, as { masters: 3 }, not ${JSON.stringify(options)}`);
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key as keyof ClusterOptions)) {
      throw invalidOption(key, `there is no such option; the options are ${KNOWN.join(", ")}`);
    }
  }
  const masters = integer("masters", options.masters ?? 3, 1, MASTERS_MAX);
  if (masters % 2 === 0)
    throw invalidOption("masters", `${masters} masters survive no more than ${masters - 1}; take an odd number`);
  const name = options.name ?? "inkube";
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) throw invalidOption("name", `"${name}" is no DNS label`);
  const pods = options.pods ?? "real";
  if (pods !== "real" && pods !== "simulated")
    throw invalidOption("pods", `"${String(pods)}" is neither "real" nor "simulated"`);
  return {
    masters,
    workers: integer("workers", options.workers ?? 3, 0, WORKERS_MAX),
    name,
    dataDir: directory("dataDir", options.dataDir),
    from: bytes("from", options.from),
    host: address("host", options.host ?? "127.0.0.1"),
    port: integer("port", options.port ?? 0, 0, 65_535),
    ...etcdOf(options),
    images: checkImages(options.images ?? {}),
    pods,
    nodesPerThread: nodesPerThread(options.placement ?? "thread-per-actor"),
    controllers: flag("controllers", options.controllers ?? true),
    tolerationSeconds: integer("tolerationSeconds", options.tolerationSeconds ?? 1, 0, 86_400),
    capacity: checkCapacity(options.capacity ?? {}),
    hangAfterMs: integer("hangAfterMs", options.hangAfterMs ?? 3_000, 100, 3_600_000),
    spareThreads: integer("spareThreads", options.spareThreads ?? 1, 0, SPARES_MAX),
    heapLimitsMb: checkHeapLimits(options.heapLimitsMb ?? {}),
    otlp: options.otlp === undefined ? undefined : otlpTarget(options.otlp, name),
    audit:
      options.audit === undefined
        ? undefined
        : resolveAudit(options.audit, (field, what) => invalidOption(field === "" ? "audit" : `audit.${field}`, what)),
    scheduler:
      options.scheduler === undefined
        ? undefined
        : resolveScheduler(options.scheduler, (field, what) =>
            invalidOption(field === "" ? "scheduler" : `scheduler.${field}`, what),
          ),
    startTimeoutMs: integer("startTimeoutMs", options.startTimeoutMs ?? 60_000, 1, 3_600_000),
    onEvent: options.onEvent,
  };
}

function etcdOf({ etcd, dataDir, from }: ClusterOptions): Pick<ResolvedOptions, "etcd" | "externalEtcd"> {
  if (etcd === undefined) return { etcd: undefined, externalEtcd: undefined };
  if (typeof etcd !== "object" || etcd === null || !("endpoints" in etcd))
    return { etcd: etcdDoor(etcd), externalEtcd: undefined };
  const externalEtcd = checkExternalEtcd(etcd, invalidOption);
  if (dataDir === undefined)
    throw invalidOption(
      "dataDir",
      "an etcd elsewhere outlives the cluster, whose keys and addresses must be kept with it",
    );
  if (from !== undefined) throw invalidOption("from", "a snapshot is for a cluster with an etcd of its own");
  return { etcd: undefined, externalEtcd };
}

function etcdDoor(etcd: EtcdDoorOptions): { readonly port: number; readonly tls: boolean } {
  const { listen } = (etcd ?? {}) as Partial<EtcdDoorOptions>;
  if (typeof listen !== "object" || listen === null || Object.keys(etcd).length > 1)
    throw invalidOption("etcd", `must be { listen: { port, tls } }, not ${JSON.stringify(etcd)}`);
  for (const key of Object.keys(listen))
    if (key !== "port" && key !== "tls") throw invalidOption(`etcd.listen.${key}`, "there are port and tls");
  // The next ports are the other members'.
  const port = integer("etcd.listen.port", listen.port ?? 0, 0, 65_536 - MASTERS_MAX);
  return { port, tls: flag("etcd.listen.tls", listen.tls ?? true) };
}

function nodesPerThread(placement: NonNullable<ClusterOptions["placement"]>): number | undefined {
  if (placement === "thread-per-actor") return undefined;
  if (typeof placement !== "object" || placement === null)
    throw invalidOption(
      "placement",
      `must be "thread-per-actor" or { nodesPerThread: … }, not ${JSON.stringify(placement)}`,
    );
  return integer("placement.nodesPerThread", placement.nodesPerThread, 1, WORKERS_MAX);
}

/** Where OTLP's traces go below an address that names no path. Source: OTLP specification, "OTLP/HTTP request". */
const OTLP_TRACES_PATH = "/v1/traces";

function otlpTarget(otlp: NonNullable<ClusterOptions["otlp"]>, cluster: string): OtlpOptions {
  const { url: text, headers = {} } = typeof otlp === "string" ? { url: otlp } : (otlp ?? {});
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw invalidOption(
      "otlp",
      `must be the address of a collector, as http://127.0.0.1:4318, not ${JSON.stringify(text)}`,
    );
  if (typeof headers !== "object" || headers === null || !Object.values(headers).every(isText))
    throw invalidOption("otlp.headers", "must hold strings");
  if (url.pathname === "/") url.pathname = OTLP_TRACES_PATH;
  return { url: url.href, headers, cluster };
}

function checkHeapLimits(limits: HeapLimits): HeapLimits {
  if (typeof limits !== "object" || limits === null)
    throw invalidOption(
      "heapLimitsMb",
      `must be a table by kind of actor, as { etcd: 2048 }, not ${JSON.stringify(limits)}`,
    );
  for (const [role, limitMb] of Object.entries(limits)) {
    const place = `heapLimitsMb["${role}"]`;
    if (!(role in HEAP_LIMITS_MB)) throw invalidOption(place, `there are ${Object.keys(HEAP_LIMITS_MB).join(", ")}`);
    integer(place, limitMb, HEAP_LIMIT_MB_MIN, HEAP_LIMIT_MB_MAX);
  }
  return limits;
}

function checkCapacity(capacity: NonNullable<ClusterOptions["capacity"]>): NonNullable<ClusterOptions["capacity"]> {
  for (const [name, value] of Object.entries(capacity)) {
    const place = `capacity.${name}`;
    if (!["cpu", "memory", "pods"].includes(name)) throw invalidOption(place, "there are cpu, memory and pods");
    if (typeof value !== "string" || tryParseQuantity(value) === undefined)
      throw invalidOption(place, `must be a quantity, as "4" or "8Gi", not ${JSON.stringify(value)}`);
  }
  return capacity;
}

const IMAGE_FIELDS = { module: ["module", "args", "env"], command: ["command", "env", "workingDir"] } as const;
const isText = (value: unknown): value is string => typeof value === "string";
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

export function checkImages(images: Readonly<Record<string, ImageOptions>>): Readonly<Record<string, ImageOptions>> {
  if (typeof images !== "object" || images === null)
    throw invalidOption("images", `must be a table by name, not ${JSON.stringify(images)}`);
  for (const [name, image] of Object.entries(images)) {
    const place = `images["${name}"]`;
    const given = (image ?? {}) as Readonly<Record<string, unknown>>;
    const isModule = isText(given["module"]);
    if (!isModule && (!areTexts(given["command"]) || (given["command"] as readonly string[]).length === 0))
      throw invalidOption(place, `must be { module: "./file.js" } or { command: ["program", …] }`);
    const fields: readonly string[] = IMAGE_FIELDS[isModule ? "module" : "command"];
    for (const field of Object.keys(given))
      if (!fields.includes(field)) throw invalidOption(`${place}.${field}`, `there are ${fields.join(", ")}`);
    const { args = [], env = {}, workingDir = "" } = given;
    if (!areTexts(args)) throw invalidOption(`${place}.args`, "must be a list of strings");
    if (typeof env !== "object" || env === null || !Object.values(env).every(isText))
      throw invalidOption(`${place}.env`, "must hold strings");
    if (!isText(workingDir)) throw invalidOption(`${place}.workingDir`, "must be a string");
  }
  return images;
}

function directory(name: string, value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw invalidOption(name, `must be a path, not ${JSON.stringify(value)}; leave it out to keep nothing`);
}

/** One that clients can be told: none stands for all of a machine's. */
function address(name: string, value: string): string {
  if (isIPv4(value) && value !== "0.0.0.0") return value;
  throw invalidOption(name, `must be an IPv4 address of this machine, as 192.0.2.7, not ${JSON.stringify(value)}`);
}

function bytes(name: string, value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) return value;
  throw invalidOption(name, `must be the bytes of a snapshot, a Uint8Array, not ${typeof value}`);
}

function flag(name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw invalidOption(name, `must be true or false, not ${JSON.stringify(value)}`);
}

function integer(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidOption(name, `must be a whole number from ${least} to ${most}, not ${String(value)}`);
}

/** Errors: INVALID_OPTION, which names the option. */
export function invalidOption(name: string, what: string): InkubeError {
  return new InkubeError("INVALID_OPTION", `${name}: ${what}`, { details: { option: name } });
}
