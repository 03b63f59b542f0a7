/**
 * All sandboxes and containers of a runtime, and the journal that lets the next incarnation know of them. A container only
 * goes forward: created, running, exited, gone. Each change gives the record to append to the journal.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import { LOST_CONTAINER } from "../../../protocols/container-runtime.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../../protocols/container-runtime.ts";

/** One line of the journal. */
export type JournalRecord =
  | { readonly sandbox: PodSandboxStatus }
  | { readonly container: ContainerStatus }
  | { readonly removed: string };

export interface Exit {
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
}

/** 128 + SIGKILL: what is left to say of a container whose runtime died, under the reason that Kubernetes has for it. */
const KILLED_WITH_RUNTIME: Exit = {
  exitCode: 137,
  reason: LOST_CONTAINER,
  message: "the container runtime died, and the container with it",
};

export class ContainerTable {
  private readonly sandboxes = new Map<string, PodSandboxStatus>();
  private readonly containers = new Map<string, ContainerStatus>();

  /** Errors: CONTAINER_NOT_FOUND. */
  sandbox(id: string): PodSandboxStatus {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) throw new InkubeError("CONTAINER_NOT_FOUND", `no pod sandbox ${id}`);
    return sandbox;
  }

  /** Errors: CONTAINER_NOT_FOUND. */
  container(id: string): ContainerStatus {
    const container = this.containers.get(id);
    if (container === undefined) throw new InkubeError("CONTAINER_NOT_FOUND", `no container ${id}`);
    return container;
  }

  has(id: string): boolean {
    return this.containers.has(id) || this.sandboxes.has(id);
  }

  listSandboxes(): readonly PodSandboxStatus[] {
    return [...this.sandboxes.values()];
  }

  listContainers(): readonly ContainerStatus[] {
    return [...this.containers.values()];
  }

  containersOf(sandboxId: string): readonly ContainerStatus[] {
    return this.listContainers().filter((container) => container.podSandboxId === sandboxId);
  }

  putSandbox(sandbox: PodSandboxStatus): JournalRecord {
    this.sandboxes.set(sandbox.id, sandbox);
    return { sandbox };
  }

  putContainer(container: ContainerStatus): JournalRecord {
    this.containers.set(container.id, container);
    return { container };
  }

  started(id: string, nowMs: number): JournalRecord {
    return this.putContainer({ ...this.container(id), state: "CONTAINER_RUNNING", startedAtMs: nowMs });
  }

  exited(id: string, exit: Exit, nowMs: number): JournalRecord {
    const container = this.container(id);
    // A program can be over before its start was confirmed; Kubernetes shows no end without a start.
    const startedAtMs = container.startedAtMs === 0 ? nowMs : container.startedAtMs;
    return this.putContainer({
      ...container,
      state: "CONTAINER_EXITED",
      startedAtMs,
      finishedAtMs: nowMs,
      listening: {},
      ...exit,
    });
  }

  listening(id: string, requestedPort: number, port: number): JournalRecord {
    const container = this.container(id);
    return this.putContainer({ ...container, listening: { ...container.listening, [requestedPort]: port } });
  }

  remove(id: string): JournalRecord {
    this.containers.delete(id);
    this.sandboxes.delete(id);
    return { removed: id };
  }

  /** The records that make an empty table equal to this one. */
  snapshot(): readonly JournalRecord[] {
    return [
      ...this.listSandboxes().map((sandbox) => ({ sandbox })),
      ...this.listContainers().map((container) => ({ container })),
    ];
  }

  /**
   * The table as a dead incarnation left it. Its threads went with it and its processes were killed by their shims, so
   * every container that had not ended has ended now.
   */
  static recover(records: readonly JournalRecord[], nowMs: number): ContainerTable {
    const table = new ContainerTable();
    for (const record of records) {
      if ("sandbox" in record) table.putSandbox(record.sandbox);
      else if ("container" in record) table.putContainer(record.container);
      else table.remove(record.removed);
    }
    for (const container of table.listContainers()) {
      if (container.state !== "CONTAINER_EXITED") table.exited(container.id, KILLED_WITH_RUNTIME, nowMs);
    }
    return table;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeJournal(records: readonly JournalRecord[]): Uint8Array {
  return encoder.encode(records.map((record) => JSON.stringify(record) + "\n").join(""));
}

/**
 * The records of a journal up to the first damaged one. It is never synced, so a crash of the actor may cut the last record
 * short, and a power cut may lose any of its blocks; then the containers that later records speak of have ended too.
 */
export function decodeJournal(bytes: Uint8Array): readonly JournalRecord[] {
  const records: JournalRecord[] = [];
  const lines = decoder.decode(bytes).split("\n");
  lines.pop();
  for (const line of lines) {
    const record = parseRecord(line);
    if (record === undefined) break;
    records.push(record);
  }
  return records;
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    return JSON.parse(line) as JournalRecord;
  } catch {
    return undefined;
  }
}
