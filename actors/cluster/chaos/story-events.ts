/** What happened in a run, as its story tells it: what clients asked for, what they were told, and which fault struck when. */
import type { SeenRequest } from "../../../protocols/api-witness.ts";
import type { History } from "./history.ts";

interface AtTime {
  /** Virtual time since the workload began. */
  readonly atMs: number;
}

export type StoryEvent =
  | (AtTime & {
      readonly kind: "request";
      readonly by: string;
      /** `create configmaps default/web`. */
      readonly what: string;
      readonly fate: string;
      /** Whether a fault made something else of it than the API server would have. */
      readonly isStruck: boolean;
    })
  | (AtTime & { readonly kind: "delivery"; readonly by: string; readonly what: string })
  /** A line of a program's output. */
  | (AtTime & { readonly kind: "print"; readonly by: string; readonly what: string })
  | (AtTime & { readonly kind: "fault"; readonly fault: string; readonly what: string });

const LEASES = "leases.coordination.k8s.io";
const FATES: Readonly<Record<NonNullable<SeenRequest["fate"]>, string>> = {
  refused: "refused by a fault",
  lost: "committed, its reply lost by a fault",
  never: "never answered",
};

/** Since the workload began, in order. */
export function eventsOf(history: History): readonly StoryEvent[] {
  const { beganMs } = history;
  const events: StoryEvent[] = [];
  for (const seen of history.requests) {
    // Heartbeats and elections of the cluster's own actors go on all the time.
    if (seen.resource === LEASES && !history.isOfControllers(seen)) continue;
    const fate = seen.fate === undefined ? `answered ${seen.code}` : FATES[seen.fate];
    const isStruck = seen.fate !== undefined;
    const what = `${seen.verb} ${seen.resource} ${placeOf(seen)}`;
    events.push({ kind: "request", atMs: seen.atMs - beganMs, by: seen.by, what, fate, isStruck });
  }
  for (const seen of history.deliveries) {
    const what = `${seen.type} ${seen.resource} ${placeOf(seen)}`;
    events.push({ kind: "delivery", atMs: seen.atMs - beganMs, by: seen.by, what });
  }
  for (const { atMs, by, line } of history.printed) {
    events.push({ kind: "print", atMs: atMs - beganMs, by, what: line });
  }
  for (const { atMs, fault, what } of history.struck) {
    events.push({ kind: "fault", atMs: atMs - beganMs, fault, what });
  }
  return events.filter(({ atMs }) => atMs >= 0).sort((left, right) => left.atMs - right.atMs);
}

export function lineOf(event: StoryEvent): string {
  const time = `${(event.atMs / 1_000).toFixed(3)} s`;
  switch (event.kind) {
    case "request":
      return `${time}  ${event.by}: ${event.what}: ${event.fate}`;
    case "delivery":
      return `${time}  ${event.by} is told: ${event.what}`;
    case "print":
      return `${time}  ${event.by} prints: ${event.what}`;
    case "fault":
      return `${time}  FAULT ${event.fault} ${event.what}`;
  }
}

function placeOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return [namespace, name].filter((part) => part !== "").join("/");
}
