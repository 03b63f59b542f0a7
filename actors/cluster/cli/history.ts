/** What the supervisor does, in words: who went down, why, and how soon it was up again. */
import type { SupervisorEvent } from "../../../runtime/supervisor/supervisor.ts";

export class History {
  private readonly downSince = new Map<string, number>();

  /** One line, or nothing worth one. `atMs` since the Unix epoch. */
  tell(event: SupervisorEvent, atMs: number): string | undefined {
    const time = new Date(atMs).toISOString().slice(11, 19);
    switch (event.type) {
      case "down":
        if (event.reason === "normal") return undefined;
        this.downSince.set(event.name, atMs);
        return `${time} ${event.name} is down (${event.reason})`;
      case "up": {
        const since = this.downSince.get(event.name);
        this.downSince.delete(event.name);
        return since === undefined ? undefined : `${time} ${event.name} is up again after ${atMs - since} ms`;
      }
      case "escalate":
        return `${time} ${event.supervisor} gave up on ${event.child} (${event.reason})`;
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
}
