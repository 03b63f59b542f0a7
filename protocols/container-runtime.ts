/**
 * What a kubelet asks of a container runtime, in the terms of the Container Runtime Interface (`runtime.v1` of
 * k8s.io/cri-api): same methods, same states, same events. What differs: names are camelCase, times are milliseconds
 * since the Unix epoch, durations carry their unit, and `envs` is a plain map.
 */
import type { Call, Protocol, Stream } from "./protocol.ts";
import { call, protocol, stream } from "./protocol.ts";

export type PodSandboxState = "SANDBOX_READY" | "SANDBOX_NOTREADY";
export type ContainerState = "CONTAINER_CREATED" | "CONTAINER_RUNNING" | "CONTAINER_EXITED";

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  readonly hostname: string;
  /** The address that the kubelet chose for the pod; what it got is in the sandbox's status. Empty: it has none of its own. */
  readonly ip: string;
  /** What pods share that have no address of their own, and those whose own the machine can't bind. Absent: 127.0.0.1. */
  readonly sharedIp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PodSandboxStatus {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: PodSandboxState;
  readonly createdAtMs: number;
  /** `ip` is the shared one where the machine can't bind the address asked for (`askedIp`), or none was. */
  readonly network: { readonly ip: string; readonly askedIp: string };
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

/** A directory or file of the machine that the container sees at `containerPath` below its root. */
export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  readonly image: string;
  /** Replaces the image's entry point, as in Kubernetes. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly envs: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** TCP ports that the pod's spec names: what a simulated container listens on. */
  readonly ports?: readonly number[];
  /** 0 or absent: no limit. Enforced as the heap's limit by the thread driver. */
  readonly memoryLimitBytes?: number;
  /** It has an input; with `stdinOnce` that ends with the first client that is attached to it. */
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  /** What it reads and writes is a terminal. */
  readonly tty?: boolean;
  /**
   * Where the program may leave a message about its end, and whether the end of its log is taken where it left none and failed. In CRI
   * the kubelet mounts and reads that file itself; here it is the runtime that knows where a container's files are.
   */
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: "File" | "FallbackToLogsOnError";
}

export interface ContainerStatus {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  /** 0 until it has started. */
  readonly startedAtMs: number;
  /** 0 until it has ended. */
  readonly finishedAtMs: number;
  /** 128 + signal number when a signal ended it. */
  readonly exitCode: number;
  readonly image: string;
  readonly imageRef: string;
  /** Brief and machine-readable: `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun`. */
  readonly reason: string;
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the runtime's own directory. */
  readonly logPath: string;
  /** Whether it tells the ports that it listens on: Node.js does, other programs don't. */
  readonly reportsListening: boolean;
  /** Port asked for -> port that really listens, as the container reported them; the same unless it had to be moved. */
  readonly listening: Readonly<Record<string, number>>;
  /**
   * Not in CRI: mount paths at which nothing is really mounted, and why; no words where that is so of every container of its kind. There,
   * `readOnly` is not enforced, and only Node.js programs, and commands that name the path, find the volume. Absent: none.
   */
  readonly unmounted?: Readonly<Record<string, string>>;
}

/** What a container that runs has used. What a simulated one uses is 0. */
export interface ContainerStats {
  readonly id: string;
  readonly pod: PodSandboxMetadata;
  readonly metadata: ContainerMetadata;
  readonly startedAtMs: number;
  readonly sampledAtMs: number;
  /** CPU time since its start, in milliseconds with fractions. */
  readonly cpuMs: number;
  /** What it holds: of a thread its heap, of processes what is resident. */
  readonly memoryBytes: number;
}

export type ContainerEventType =
  | "CONTAINER_CREATED_EVENT"
  | "CONTAINER_STARTED_EVENT"
  | "CONTAINER_STOPPED_EVENT"
  | "CONTAINER_DELETED_EVENT"
  /** Not in CRI: the container has begun to listen on a port (`status.listening`). */
  | "CONTAINER_LISTENING_EVENT";

export interface ContainerEvent {
  readonly type: ContainerEventType;
  readonly createdAtMs: number;
  readonly podUid: string;
  readonly status: ContainerStatus;
  /** The trace event of it. */
  readonly cause: string;
}

export interface Image {
  /** `sha256:` and a hash of the name: there is no content to hash. */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly sizeBytes: number;
}

export interface LogOptions {
  /** As `ContainerStatus.logPath`: logs outlive their container's record. */
  readonly logPath: string;
  /** Goes on with what comes until the container ends. */
  readonly follow?: boolean;
  /** Only the last so many lines. */
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

/** Which streams a client opens. With a terminal nothing comes on `stderr`. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export type ContainerRuntimeMethods = {
  version: Call<
    null,
    { readonly runtimeName: string; readonly runtimeVersion: string; readonly runtimeApiVersion: string }
  >;
  runPodSandbox: Call<{ readonly config: PodSandboxConfig }, { readonly status: PodSandboxStatus }>;
  /** Kills what still runs in it. Idempotent. */
  stopPodSandbox: Call<{ readonly podSandboxId: string }, null>;
  /** Stops it, forgets it and its containers, and removes their files, logs included. Idempotent. */
  removePodSandbox: Call<{ readonly podSandboxId: string }, null>;
  podSandboxStatus: Call<{ readonly podSandboxId: string }, { readonly status: PodSandboxStatus }>;
  listPodSandbox: Call<null, { readonly items: readonly PodSandboxStatus[] }>;
  createContainer: Call<
    { readonly podSandboxId: string; readonly config: ContainerConfig },
    { readonly status: ContainerStatus }
  >;
  startContainer: Call<{ readonly containerId: string }, { readonly status: ContainerStatus }>;
  /** SIGTERM, then SIGKILL after `timeoutMs`; answers when it has ended. A second call may shorten the time. Idempotent. */
  stopContainer: Call<
    { readonly containerId: string; readonly timeoutMs: number },
    { readonly status: ContainerStatus }
  >;
  /** Kills it when it runs; its log goes with it. Idempotent. */
  removeContainer: Call<{ readonly containerId: string }, null>;
  containerStatus: Call<{ readonly containerId: string }, { readonly status: ContainerStatus }>;
  listContainers: Call<null, { readonly items: readonly ContainerStatus[] }>;
  /** Of all that run, measured now. */
  listContainerStats: Call<null, { readonly items: readonly ContainerStats[] }>;
  execSync: Call<
    { readonly containerId: string; readonly command: readonly string[]; readonly timeoutMs: number },
    { readonly stdout: Uint8Array; readonly stderr: Uint8Array; readonly exitCode: number }
  >;
  /** Where to run a command: an address that is good once, and for a minute, for a connection that changes its protocol. */
  exec: Call<
    StreamOptions & { readonly containerId: string; readonly command: readonly string[] },
    { readonly url: string }
  >;
  /** Likewise, to reach what the container itself reads and writes. */
  attach: Call<StreamOptions & { readonly containerId: string }, { readonly url: string }>;
  /** Likewise, to connect to the pod's ports. `ports`: of clients that have to say beforehand which. */
  portForward: Call<{ readonly podSandboxId: string; readonly ports: readonly number[] }, { readonly url: string }>;
  pullImage: Call<{ readonly image: string }, { readonly imageRef: string }>;
  /** `image` is null when it isn't there; it must be pulled, then. */
  imageStatus: Call<{ readonly image: string }, { readonly image: Image | null }>;
  listImages: Call<null, { readonly items: readonly Image[] }>;
  /** What happens to containers from now on. */
  events: Stream<null, ContainerEvent>;
  /** Pieces of the log as bytes. Ends when it is read, or when a followed container has ended. */
  readLogs: Stream<LogOptions, Uint8Array>;
};

/** A start includes a thread's or a process's own start, on a machine that may be busy starting a hundred others. */
const START_TIMEOUT_MS = 60_000;
/** A stop waits for the container's grace period; the caller gives its own deadline on top of it. */
const STOP_TIMEOUT_MS = 60_000;

export const containerRuntimeProtocol: Protocol<ContainerRuntimeMethods> = protocol<ContainerRuntimeMethods>(
  "container-runtime",
  {
    version: call(),
    runPodSandbox: call({ timeoutMs: START_TIMEOUT_MS }),
    stopPodSandbox: call({ timeoutMs: STOP_TIMEOUT_MS }),
    removePodSandbox: call({ timeoutMs: STOP_TIMEOUT_MS }),
    podSandboxStatus: call(),
    listPodSandbox: call(),
    createContainer: call({ timeoutMs: START_TIMEOUT_MS }),
    startContainer: call({ timeoutMs: START_TIMEOUT_MS }),
    stopContainer: call({ timeoutMs: STOP_TIMEOUT_MS }),
    removeContainer: call({ timeoutMs: STOP_TIMEOUT_MS }),
    containerStatus: call(),
    listContainers: call(),
    listContainerStats: call(),
    execSync: call({ timeoutMs: STOP_TIMEOUT_MS }),
    exec: call(),
    attach: call(),
    portForward: call(),
    pullImage: call({ timeoutMs: START_TIMEOUT_MS }),
    imageStatus: call(),
    listImages: call(),
    events: stream(),
    // Pieces of up to 64 KiB: a slow reader may hold back 4 MiB.
    readLogs: stream({ window: 16, bufferMax: 64 }),
  },
);

/** Reason of a container's end that was not its own: the runtime died and took it along. */
export const LOST_CONTAINER = "ContainerStatusUnknown";

/** Codes that a container runtime answers with. */
export type ContainerRuntimeErrorCode =
  /** No sandbox or container of that id. */
  | "CONTAINER_NOT_FOUND"
  /** No image of that name; the message says how to register one. */
  | "IMAGE_NOT_FOUND"
  /** What was given is no name of an image. */
  | "INVALID_IMAGE_NAME"
  /** The container isn't in the state that the request needs. */
  | "CONTAINER_STATE"
  /** The container can't be started: no such program, no such module, no driver on this host. */
  | "CONTAINER_START_FAILED"
  /** Nothing is there to reach into: the container, or the whole host, is simulated. */
  | "STREAMING_UNAVAILABLE";

/**
 * What a container finds in its environment, beside what its pod's spec and Kubernetes give it.
 * - `POD_IP`: the address to listen on and to connect from. `POD_NAMESPACE`: where short service names are looked up.
 * - `INKUBE_ROOT`: the directory that stands for `/`: volumes are below it at their mount path, and it is the working
 *   directory unless the spec or the image names one. `etc/config/x` works for all. `/etc/config/x` works in a process where the machine lets
 *   it have mounts; elsewhere for Node.js programs, and for a command that names it.
 * - `INKUBE_HOSTS`: kube-proxy's file of names and addresses.
 * - `INKUBE_PORTS`: where a process reports the ports that it listens on.
 * - `INKUBE_VOLUME_<NAME>`: the directory of a volume.
 * - `INKUBE_ETC_HOSTS`: what the pod's `/etc/hosts` would say, as JSON: name -> addresses.
 * - `INKUBE_TERMINATION_LOG`: the file that stands for the container's `terminationMessagePath`. What is written to that path gets there
 *   too, by the programs that find volumes at their mount paths.
 * - `INKUBE_MOUNTS`: the mount paths at which nothing is really mounted, as JSON: absolute ones that stand for the same paths below the root.
 * - `INKUBE_CONTAINER_ID`: the mark by which all processes of a container are found.
 */
export const CONTAINER_ENVIRONMENT = {
  podIp: "POD_IP",
  sharesIp: "INKUBE_SHARES_IP",
  namespace: "POD_NAMESPACE",
  root: "INKUBE_ROOT",
  hosts: "INKUBE_HOSTS",
  ports: "INKUBE_PORTS",
  volumePrefix: "INKUBE_VOLUME_",
  etcHosts: "INKUBE_ETC_HOSTS",
  terminationLog: "INKUBE_TERMINATION_LOG",
  mounts: "INKUBE_MOUNTS",
  mark: "INKUBE_CONTAINER_ID",
} as const;
