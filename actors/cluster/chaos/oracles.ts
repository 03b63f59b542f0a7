/** What must hold of a run, whatever went wrong in it. */
import type { EndState, Lives } from "./end-state.ts";
import { differencesOf } from "./end-state.ts";
import type { Change, History } from "./history.ts";
import { State } from "./history.ts";
import { watchGuarantees } from "./watch-guarantees.ts";

/** What an oracle is shown of a run that is over. */
export interface Judged {
  readonly history: History;
  readonly controllers: readonly string[];
  readonly end: EndState;
  /** Of the run without faults; undefined while that is what is judged. */
  readonly reference: EndState | undefined;
  /** Whether everything came to rest after the last fault had ended. */
  readonly isQuiet: boolean;
  /** Virtual time from when on nothing was asked of the controllers any more, and when the run was over. */
  readonly restMs: number;
  readonly endMs: number;
}

/** That something does not hold. */
export interface Finding {
  /** The same for all runs that have it for the same reason, as far as can be told. */
  readonly cause: string;
  readonly text: string;
}

export type Oracle =
  | { readonly name: string; readonly judge: (run: Judged) => readonly Finding[] }
  /** Must be so in one run at least. */
  | { readonly name: string; readonly goal: (history: History) => boolean };

/** Once a second and object would be enough for anybody. */
const REQUESTS_PER_SECOND_MAX = 20;
const WITHIN_MS = 60_000;
const TOLD_MAX = 5;

/** In the end every object is as in the run without faults. */
export function sameEnd(): Oracle {
  return {
    name: "sameEnd",
    judge: ({ end, reference }) => {
      if (reference === undefined) return [];
      const differences = differencesOf(reference, end);
      if (differences.length === 0) return [];
      const cause = [...new Set(differences.map(({ type, subject }) => `${type} ${shapeOf(subject)}`))]
        .sort()
        .join(", ");
      const told = differences.slice(0, TOLD_MAX).map(({ text }) => text);
      const more = differences.length > TOLD_MAX ? [`and ${differences.length - TOLD_MAX} more`] : [];
      return [{ cause, text: `the end is another than without faults\n  ${[...told, ...more].join("\n  ")}` }];
    },
  };
}

/**
 * No object was created or deleted more often than in the run without faults: what is deleted and made anew has lost what
 * only it had, and looks the same in the end.
 */
export function sameLives(): Oracle {
  return {
    name: "sameLives",
    judge: ({ end, reference }) => {
      if (reference === undefined) return [];
      const more = [...end.lives].filter(([subject, { births, deaths }]) => {
        const wanted = reference.lives.get(subject);
        return births > (wanted?.births ?? 0) || deaths > (wanted?.deaths ?? 0);
      });
      if (more.length === 0) return [];
      const told = more.slice(0, TOLD_MAX).map(([subject, lives]) => {
        return `${subject} was ${livesText(lives)}, without faults ${livesText(reference.lives.get(subject))}`;
      });
      const cause = [...new Set(more.map(([subject]) => shapeOf(subject)))].sort().join(", ");
      return [{ cause, text: `more came and went than without faults\n  ${told.join("\n  ")}` }];
    },
  };
}

function livesText({ births, deaths }: Lives = { births: 0, deaths: 0 }): string {
  return `created ${births} and deleted ${deaths} times`;
}

/** After the last fault has ended everything comes to rest. */
export function converges(): Oracle {
  return {
    name: "converges",
    judge: ({ isQuiet, history, endMs }) => {
      if (isQuiet) return [];
      const last = history.requests.findLast(({ atMs }) => atMs > history.healedMs);
      const who =
        last === undefined ? "" : `; the last request: ${last.verb} ${last.resource} ${last.name} by ${last.by}`;
      const seconds = ((endMs - history.healedMs) / 1_000).toFixed(0);
      return [{ cause: "no rest", text: `no rest within ${seconds} s after the last fault${who}` }];
    },
  };
}

/** A controller that has nothing to do asks for little. */
export function noHotLoop(options: { readonly perSecondMax?: number } = {}): Oracle {
  const { perSecondMax = REQUESTS_PER_SECOND_MAX } = options;
  return {
    name: "noHotLoop",
    judge: ({ history, controllers, restMs, endMs }) => {
      const seconds = (endMs - restMs) / 1_000;
      if (seconds <= 0) return [];
      return controllers.flatMap((name) => {
        const count = history.requestsOf(name).filter(({ atMs }) => atMs >= restMs).length;
        if (count / seconds <= perSecondMax) return [];
        const text = `${name} made ${count} requests within ${seconds.toFixed(1)} s in which nothing was asked of it`;
        return [{ cause: name, text }];
      });
    },
  };
}

/** At every revision since the workload began. `holds` is shown the state, the change that led to it, and the whole history. */
export function always(name: string, holds: (state: State, change: Change, history: History) => boolean): Oracle {
  return { name, judge: ({ history }) => firstBroken(history, holds, "it does not hold") };
}

/** At no revision since the workload began. */
export function never(name: string, isSo: (state: State, change: Change, history: History) => boolean): Oracle {
  const holds = (state: State, change: Change, history: History): boolean => !isSo(state, change, history);
  return { name, judge: ({ history }) => firstBroken(history, holds, "it is so") };
}

/** In the end, and from at most `withinMs` (default 60,000) after the last fault on. */
export function eventually(
  name: string,
  isSo: (state: State, history: History) => boolean,
  options: { readonly withinMs?: number } = {},
): Oracle {
  const { withinMs = WITHIN_MS } = options;
  return {
    name,
    judge: ({ history, endMs }) => {
      const dueMs = history.healedMs + withinMs;
      const state = new State();
      let isSoByThen = true;
      let index = 0;
      for (; index < history.changes.length && history.changes[index]!.atMs <= dueMs; index++) {
        state.apply(history.changes[index]!);
      }
      isSoByThen = isSo(state, history);
      for (; index < history.changes.length && isSoByThen; index++) {
        state.apply(history.changes[index]!);
        isSoByThen = isSo(state, history);
      }
      if (isSoByThen) return [];
      const seconds = (Math.min(endMs - history.healedMs, withinMs) / 1_000).toFixed(1);
      return [{ cause: "not so", text: `it is not so ${seconds} s after the last fault` }];
    },
  };
}

/** In one run at least: else the search has missed what it was for. */
export function sometimes(name: string, isSo: (history: History) => boolean): Oracle {
  return { name, goal: isSo };
}

export function defaultOracles(): readonly Oracle[] {
  return [sameEnd(), converges(), noHotLoop(), watchGuarantees()];
}

function firstBroken(
  history: History,
  holds: (state: State, change: Change, history: History) => boolean,
  what: string,
): readonly Finding[] {
  const state = new State();
  for (const change of history.changes) {
    state.apply(change);
    if (change.atMs < history.beganMs || holds(state, change, history)) continue;
    const { revision, type, subject, by } = change;
    return [
      {
        cause: shapeOf(subject),
        text: `${what} at revision ${revision}: ${subject} was ${type} by ${by || "the API server"}`,
      },
    ];
  }
  return [];
}

/** What several objects of one kind have in common: those that were generated are told from those that were named. */
function shapeOf(subject: string): string {
  const [kind = "", place = ""] = subject.split(" ");
  return place.includes("*") ? `${kind} ${place.slice(place.lastIndexOf("-", place.indexOf("*") - 2) + 1)}` : kind;
}
