/** What keeps a member from its work, told to whoever asked to be told. As etcd's alarms, but of this member alone. */
import type { Alarm, AlarmState } from "../../protocols/etcd.ts";
import type { Sink } from "../../runtime/actor.ts";

export class Alarms {
  private readonly sinks: Set<Sink<AlarmState>> = new Set();
  private state: AlarmState = { serving: true, alarms: [] };

  /** Tells the state now, and each change of it. */
  add(sink: Sink<AlarmState>): void {
    this.sinks.add(sink);
    sink.signal.addEventListener("abort", () => this.sinks.delete(sink), { once: true });
    sink.push(this.state);
  }

  get active(): readonly Alarm[] {
    return this.state.alarms;
  }

  set(serving: boolean, ...alarms: readonly Alarm[]): void {
    this.state = { serving, alarms };
    for (const sink of this.sinks) sink.push(this.state);
  }
}
