/** Looks into the running actors of a cluster. */
import type { ActorStatistics, HeapInUse, Introspectable, Tracing } from "../../runtime/introspection.ts";
import type { MetricFamily } from "../../runtime/metrics/metrics.ts";
import type { ThreadHost } from "../../runtime/threads/thread-host.ts";
import type { TraceEvent } from "../../runtime/trace/event.ts";

/** Errors of all: NO_SUCH_ACTOR, and those of `Introspectable`. */
export class ActorInspector implements Introspectable {
  private readonly host: ThreadHost;
  private readonly known: (name: string) => string;

  /** `known`: gives the name of an actor of the cluster, or throws. */
  constructor(host: ThreadHost, known: (name: string) => string) {
    this.host = host;
    this.known = known;
  }

  async statistics(name: string): Promise<ActorStatistics> {
    return this.host.statistics(this.known(name));
  }

  async state(name: string): Promise<unknown> {
    return this.host.state(this.known(name));
  }

  async metrics(name: string): Promise<readonly MetricFamily[]> {
    return this.host.metrics(this.known(name));
  }

  async suspend(name: string): Promise<void> {
    await this.host.suspend(this.known(name));
  }

  async resume(name: string): Promise<void> {
    await this.host.resume(this.known(name));
  }

  lastMessages(name: string, count?: number): readonly TraceEvent[] {
    return this.host.lastMessages(this.known(name), count);
  }

  /** To follow many actors at a time see `Cluster.trace`. */
  follow(name: string, wanted: (event: TraceEvent) => boolean, onEvent: (event: TraceEvent) => void): Tracing {
    return this.host.follow(this.known(name), wanted, onEvent);
  }

  /** Has the garbage of the actor's thread collected, which stands still meanwhile, and tells what is left. */
  async collectGarbage(name: string): Promise<HeapInUse> {
    return this.host.collectGarbage(this.known(name));
  }

  /** JSON text of a `.cpuprofile` of the actor's thread. */
  async cpuProfile(name: string, forMs: number): Promise<string> {
    return this.host.cpuProfile(this.known(name), forMs);
  }

  /** Writes a heap snapshot of the actor's thread, which stands still meanwhile. */
  async heapSnapshot(name: string, file: string): Promise<void> {
    await this.host.heapSnapshot(this.known(name), file);
  }
}
