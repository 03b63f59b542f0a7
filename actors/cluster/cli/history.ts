/** What happens in a cluster, in words: who went down, why, and how soon it was up again; whose disk is full or damaged. */
import type { ClusterEvent } from "../cluster.ts";

export class History {
  private readonly downSince = new Map<string, number>();
  private readonly messageOf: (name: string) => string | undefined;

  /** `messageOf`: what an actor that has just gone down failed with. */
  constructor(messageOf: (name: string) => string | undefined = () => undefined) {
    this.messageOf = messageOf;
  }

  /** One line, or nothing worth one. `atMs` since the Unix epoch. */
  tell(event: ClusterEvent, atMs: number): string | undefined {
    const time = new Date(atMs).toISOString().slice(11, 19);
    switch (event.type) {
      case "down":
        if (event.reason === "normal") return undefined;
        this.downSince.set(event.name, atMs);
        return `${time} ${event.name} is down (${event.reason})${this.because(event.name)}`;
      case "up": {
        const since = this.downSince.get(event.name);
        this.downSince.delete(event.name);
        return since === undefined ? undefined : `${time} ${event.name} is up again after ${atMs - since} ms`;
      }
      case "escalate":
        return `${time} ${event.supervisor} gave up on ${event.child} (${event.reason})`;
      case "alarm":
        return `${time} ${event.alarm}: ${event.message}`;
      case "alarm-over":
        return `${time} ${event.name} has no ${event.alarm} any more: ${event.path}`;
      case "added":
        return `${time} ${event.name} was added`;
      case "removed":
        this.downSince.delete(event.name);
        return `${time} ${event.name} was removed`;
      case "restart":
      case "terminated":
        return undefined;
    }
  }

  /** The first line: the rest is a stack. */
  private because(name: string): string {
    const message = this.messageOf(name)?.split("\n", 1)[0];
    return message === undefined ? "" : `: ${message}`;
  }
}
