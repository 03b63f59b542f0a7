import type { ImageTable } from "./core/images.ts";

export interface ContainerRuntimeOptions {
  /** `simulated` runs every image on the simulated driver: for scale, and the only way in the simulation. */
  readonly pods: "real" | "simulated";
  /** The user's images, with absolute paths or URLs (`resolveImages`). */
  readonly images: ImageTable;
  /** How long a simulated container's start takes. A real one's is no shorter. */
  readonly simulatedStartMs: number;
  /** A log file is rotated beyond this. The kubelet's containerLogMaxSize. */
  readonly logFileBytesMax: number;
  /** Log files kept for each container, the one being written included. The kubelet's containerLogMaxFiles. */
  readonly logFilesMax: number;
  /** Output that may wait for the disk; beyond it the container itself waits. */
  readonly logBufferBytesMax: number;
  /** How long a container may take to end after SIGKILL. A thread inside a long native call takes until its return. */
  readonly killTimeoutMs: number;
  /** What a stop of the runtime itself grants its containers after SIGTERM. */
  readonly shutdownGraceMs: number;
  /** The journal is rewritten when it has grown to this and twice its last size. */
  readonly journalBytesMax: number;
}

export const CONTAINER_RUNTIME_DEFAULTS: ContainerRuntimeOptions = {
  pods: "real",
  images: {},
  simulatedStartMs: 1,
  logFileBytesMax: 10 * 1024 * 1024,
  logFilesMax: 5,
  logBufferBytesMax: 4 * 1024 * 1024,
  killTimeoutMs: 10_000,
  shutdownGraceMs: 500,
  journalBytesMax: 1024 * 1024,
};
