/**
 * What a driver and the inside of a container agree on. The driver gives the environment and, for a container on a
 * thread, a port; `preload.ts` runs before the container's own code and keeps the container's side.
 *
 * - On a thread: `new Worker(…, { workerData: { [CHANNEL_KEY]: port }, transferList: [port], argv, env })`; the preload module is
 *   imported first (or through `execArgv: ["--require", preload]`). Both messages below travel on the port.
 * - In a child process: `NODE_OPTIONS=--require <preload>`. Signals are the system's own; reports are written to the open
 *   descriptor, or appended to the file, that `INKUBE_PORTS` names, one JSON `FromContainer` a line. A program that is not
 *   Node.js, or is a child of the first one, reports nothing.
 */

/** Of `workerData`: holds the container's end of a `MessageChannel`. */
export const CHANNEL_KEY = "inkube";

/** Environment that the container side reads. All optional. */
export type ContainerEnv = {
  /** The pod's address. */
  readonly POD_IP?: string;
  /** `1` where other pods have the same address. */
  readonly INKUBE_SHARES_IP?: string;
  readonly POD_NAMESPACE?: string;
  /** The pod's name: what `os.hostname()` answers. */
  readonly HOSTNAME?: string;
  /** The directory that stands for `/`. */
  readonly INKUBE_ROOT?: string;
  /** Path of kube-proxy's file of names and addresses (`actors/kube-proxy/core/hosts.ts`). */
  readonly INKUBE_HOSTS?: string;
  /** What the pod's `/etc/hosts` would say, as JSON: name -> addresses. */
  readonly INKUBE_ETC_HOSTS?: string;
  /** Where the container sees its volumes, as JSON: a list of absolute paths. */
  readonly INKUBE_MOUNTS?: string;
  /** The file that stands for the container's `terminationMessagePath`. */
  readonly INKUBE_TERMINATION_LOG?: string;
  /** The container's id, which all its processes carry. */
  readonly INKUBE_CONTAINER_ID?: string;
  /** Number of the open descriptor, or path of the file, that a child process reports to. */
  readonly INKUBE_PORTS?: string;
};

/** From the container to its driver. */
export type FromContainer =
  | {
      /** A server listens. `port` is the one that the program asked for, `actual` the one that it got. */
      readonly kind: "listening";
      readonly port: number;
      readonly host: string;
      readonly actual: number;
    }
  /** A process is about to be started, or, with its id, has been. Of those that are waited for only the first is said. */
  | { readonly kind: "spawned"; readonly pid?: number }
  | { readonly kind: "ended"; readonly pid: number }
  /** What the thread's heap takes, when it begins and when it is asked; `thread` is the system's path of it, where there is one. */
  | { readonly kind: "usage"; readonly memoryBytes: number; readonly thread?: string };

/** From the driver to a container on a thread. */
export type ToContainer =
  | {
      /** The program's handlers for it run; without any, the container ends with 128 + the signal's number. */
      readonly kind: "signal";
      readonly signal: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGUSR1" | "SIGUSR2";
    }
  | { readonly kind: "usage" };
