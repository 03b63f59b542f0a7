/** Listens to the alarms of etcd's members, and tells when no majority of them can serve. */
import type { Alarm, AlarmState, EtcdMethods } from "../../protocols/etcd.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Ref } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";

/** An alarm of a member begins, or is over. `message` says which member, which path, and what to do. */
export type AlarmEvent = {
  readonly type: "alarm" | "alarm-over";
  readonly name: string;
} & (
  | { readonly type: "alarm"; readonly alarm: Alarm["type"]; readonly path: string; readonly message: string }
  | { readonly type: "alarm-over"; readonly alarm: Alarm["type"]; readonly path: string }
);

/** The error is to name every member that is out of service: those that have not told yet are waited for so long. */
const GATHER_MS = 2_000;

export class EtcdAlarms {
  /** Rejects with DATA_DIRECTORY_DAMAGED when so many members are out of service that the others are no majority. */
  readonly quorumLost: Promise<never>;
  private readonly members: ReadonlyMap<string, Ref<EtcdMethods>>;
  private readonly clock: Clock;
  private readonly tell: (event: AlarmEvent) => void;
  private readonly states = new Map<string, AlarmState>();
  private loseQuorum: (error: Error) => void = () => undefined;

  constructor(members: readonly Ref<EtcdMethods>[], clock: Clock, tell: (event: AlarmEvent) => void) {
    this.members = new Map(members.map((member) => [member.name, member]));
    this.clock = clock;
    this.tell = tell;
    this.quorumLost = new Promise<never>((_, reject) => void (this.loseQuorum = reject));
    // Nobody need wait for it when it happens.
    this.quorumLost.catch(() => undefined);
  }

  of(name: string): readonly Alarm[] {
    return this.states.get(name)?.alarms ?? [];
  }

  /** An actor has come up: a member is listened to until it ends. */
  up(name: string): void {
    this.members.get(name)?.stream("alarms", null, {
      next: (state) => this.changed(name, state),
      end: () => undefined,
    });
  }

  private changed(name: string, state: AlarmState): void {
    const before = this.of(name);
    this.states.set(name, state);
    for (const { type, path } of before) {
      if (state.alarms.every((alarm) => alarm.type !== type)) {
        this.tell({ type: "alarm-over", name, alarm: type, path });
      }
    }
    for (const { type, path, message } of state.alarms) {
      if (before.every((alarm) => alarm.message !== message)) {
        this.tell({ type: "alarm", name, alarm: type, path, message });
      }
    }
    if (!this.noMajority()) return;
    const lose = (): void => {
      if (this.noMajority()) this.loseQuorum(this.damaged());
    };
    if (this.states.size === this.members.size) lose();
    else this.clock.after(GATHER_MS, lose);
  }

  private outOfService(): readonly AlarmState[] {
    return [...this.states.values()].filter(({ serving }) => !serving);
  }

  private noMajority(): boolean {
    return 2 * (this.members.size - this.outOfService().length) <= this.members.size;
  }

  private damaged(): InkubeError {
    const out = this.outOfService();
    const messages = out.flatMap(({ alarms }) => alarms.map(({ message }) => message));
    return new InkubeError(
      "DATA_DIRECTORY_DAMAGED",
      `${out.length} of ${this.members.size} etcd members are out of service, and without a majority there is no cluster:\n${messages.join("\n")}`,
      { details: { paths: out.flatMap(({ alarms }) => alarms.map(({ path }) => path)) } },
    );
  }
}
