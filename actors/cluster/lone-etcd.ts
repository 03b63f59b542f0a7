/** The etcd group alone, for etcd's own clients: its members on threads of this process, and a supervisor that restarts them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { etcdProtocol } from "../../protocols/etcd.ts";
import { BACKOFF, INTENSITY, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../runtime/supervisor/spec.ts";
import { Supervisor } from "../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../runtime/threads/thread-host.ts";
import type { EtcdOptions, ListenOptions } from "../etcd/spec.ts";
import { ETCD_DEFAULTS } from "../etcd/spec.ts";
import { EtcdGroup } from "./etcd-group.ts";
import type { DataDirectory } from "./io/data-directory.ts";
import { openDataDirectory } from "./io/data-directory.ts";
import { EMBEDDER, etcdNames, HEAP_LIMITS_MB, nextDoor } from "./topology.ts";

const BUNDLES = fileURLToPath(new URL(".", import.meta.url));
const ACTORS = "actors";

export interface LoneEtcdOptions {
  /** 1 or 3; one survives nothing but its own crash. */
  readonly members: number;
  /** Absent: in a temporary directory that is removed at the stop. */
  readonly dataDir: string | undefined;
  readonly fsync: boolean;
  /** Of the first member; the others have the next ports, unless it is any free one. */
  readonly listen: ListenOptions;
  readonly etcd?: Partial<EtcdOptions>;
  /** Told when the group has given up. */
  readonly onFailed: (error: Error) => void;
}

export class LoneEtcd {
  private readonly host: ThreadHost;
  private readonly embedder: EmbeddedPeer;
  private readonly supervisor: Supervisor;
  private readonly directory: DataDirectory;
  private readonly group: EtcdGroup;

  /** Resolves when a leader is there. Errors: DATA_DIRECTORY_…, ADDRESS_IN_USE, and what a member failed with. */
  static async start(options: LoneEtcdOptions): Promise<LoneEtcd> {
    const etcd = new LoneEtcd(options);
    try {
      await etcd.supervisor.start();
      await etcd.group.ask((member) => member.call("readIndex", null));
      return etcd;
    } catch (error) {
      await etcd.stop();
      throw error;
    }
  }

  private constructor(options: LoneEtcdOptions) {
    const members = etcdNames(options.members);
    this.directory = openDataDirectory(options.dataDir);
    this.host = new ThreadHost({
      bundles: BUNDLES,
      dataDir: join(this.directory.path, ACTORS),
      fsync: options.fsync && this.directory.durable,
      onDown: (name, reason, error) => this.supervisor.actorDown(name, reason, error),
    });
    const children = members.map((name, index) => ({
      name,
      actor: "etcd",
      options: {
        ...ETCD_DEFAULTS,
        ...options.etcd,
        listen: nextDoor(options.listen, index),
        name,
        members,
      } satisfies EtcdOptions,
      links: members.filter((other) => other !== name),
      restart: "permanent" as const,
      shutdownMs: SHUTDOWN_MS,
      startTimeoutMs: START_TIMEOUT_MS,
      heapLimitMb: HEAP_LIMITS_MB.etcd,
    }));
    this.host.plan(children);
    this.embedder = new EmbeddedPeer(EMBEDDER, this.host, members);
    this.group = new EtcdGroup(members.map((name) => this.embedder.ref(etcdProtocol, name)));
    const { clock, random } = this.embedder.context;
    this.supervisor = new Supervisor(
      {
        name: "root",
        strategy: "one_for_one",
        intensity: INTENSITY,
        backoff: BACKOFF,
        startInParallel: true,
        children,
      },
      this.host,
      {
        clock,
        random,
        externals: [EMBEDDER],
        lives: this.host.lives,
        onEvent: (event) => {
          if (event.type === "terminated" && event.reason !== "normal")
            options.onFailed(new Error("the members of etcd failed again and again"));
        },
      },
    );
  }

  endpoints(): Promise<readonly string[]> {
    return this.group.endpoints();
  }

  async stop(): Promise<void> {
    await this.supervisor.stop();
    await this.host.close();
    this.embedder.close();
    this.directory.release();
  }
}
