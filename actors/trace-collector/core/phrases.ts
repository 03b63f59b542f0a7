/** Events in the words of a sentence. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";

/** `times`: how often it has happened; `isAgain`: what has ended runs again. */
export function phraseOf(event: TraceEvent, times: number, isAgain: boolean = false): string {
  const { kind, actor, detail, peer } = event;
  const name = event.subject.split("/").at(-1) ?? "";
  const field = (of: string): string => new RegExp(`(?:^| )${of}=([^ ]*)`).exec(detail)?.[1] ?? "";
  switch (kind) {
    case "kill":
      return `${event.subject} was killed`;
    case "fault":
      return `a fault of the plan (${field("fault")}, ${field("kind")}) struck ${event.subject}`;
    case "asked":
      return `the cluster was asked to ${field("do")} ${event.subject}`;
    case "timer":
      return `it was time (${event.subject})`;
    case "call":
      return `${peer} asked for it`;
    case "start":
      return `${event.subject} was started`;
    case "crash":
      return `${event.subject} broke down`;
    case "down":
      return `${event.subject} ended (${field("reason")})`;
    case "node-lost":
      return `node ${name} is lost`;
    case "leader-elected":
      return `${actor} leads ${name}`;
    case "unschedulable":
      return `${name} waits: none of ${field("nodes")} nodes takes it (${detail.replace(/^nodes=\d+ ?/, "")})`;
    case "scheduled":
      return `${name} is on ${field("node")}`;
    case "container.failed":
      return `${name} does not start: its container ${field("container")} failed ${often(times)} (${detail.replace(/^container=[^ ]* /, "")})`;
    case "container.stopped":
      return `${name} ${isAgain ? "runs again" : "crashes"}: its container ${field("container")} has ended ${often(times)}, last with exit code ${field("exitCode")}`;
    case "pod-evicted":
      return `${name} was evicted from ${field("node")}`;
    case "pod-collected":
    case "garbage-collected":
      return `${name} was deleted by the garbage collection`;
    case "write":
      return field("action") === "remove" ? `${name} was deleted` : `${name} is there`;
    default:
      return kind.startsWith("request.")
        ? `${field("user")} asked for it (${kind.slice("request.".length)} ${event.subject})`
        : `${kind} of ${event.subject}`;
  }
}

function often(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}
