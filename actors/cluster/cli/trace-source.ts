/** Whom the trace commands ask: a running cluster through its API, or a record that is opened here. */
import type { AnswerTo, TraceEvent, TraceFilter, TraceQuestion } from "../../../protocols/trace-collector.ts";
import { timeOf } from "../../trace-collector/core/moment.ts";
import { contentsOfNdjson } from "../../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../trace-collector/core/record.ts";
import { nowOf } from "../../trace-collector/core/standing.ts";
import { openRecord } from "../open-trace.ts";
import type { TraceSource } from "../trace.ts";
import { sourceOf } from "../trace.ts";
import type { Api } from "./api.ts";
import { linesOf } from "./api.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected } from "./connect.ts";
import { refuse } from "./failure.ts";

export interface SourceOptions extends ConnectOptions {
  readonly from?: string;
}

export interface FilterOptions {
  readonly actor?: string;
  readonly object?: string;
  readonly kind?: string;
  readonly where?: string;
  readonly since?: string;
}

export interface OpenedSource extends TraceSource {
  /** What `10s` ago is counted from: now, or a record's end. */
  nowMs(): Promise<number>;
  /** Undefined for a record: it does not go on. */
  readonly api: Api | undefined;
}

/** Runs `work` with whom `options` name, and tells on stderr what of a record can't be read. */
export async function withTrace<T>(options: SourceOptions, work: (source: OpenedSource) => Promise<T>): Promise<T> {
  if (options.from === undefined) return connected(options, (api) => work(remote(api)));
  if (options.kubeconfig !== undefined) throw refuse("--from and --kubeconfig name two records; give one");
  const { record, warnings } = await openRecord(options.from);
  for (const warning of warnings) process.stderr.write(`inkube: ${warning}\n`);
  return work({ ...sourceOf(record), nowMs: async () => nowOf(record), api: undefined });
}

/** Errors: INVALID_ARGUMENT. */
export async function filterFrom(options: FilterOptions, source: OpenedSource): Promise<TraceFilter> {
  const { actor, object, kind, where, since } = options;
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(object === undefined ? {} : { object }),
    ...(kind === undefined ? {} : { kind }),
    ...(where === undefined ? {} : { where }),
    ...(since === undefined ? {} : { sinceMs: timeOf(since, await source.nowMs()) }),
  };
}

/** The query of `/debug/trace` for a filter. */
export function queryOf(filter: TraceFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) query.set(name, String(value));
  return query;
}

function remote(api: Api): OpenedSource {
  const lines = async (path: string): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const line of linesOf(await api.open({ path }))) {
      if (line !== "") found.push(line);
    }
    return found;
  };
  return {
    api,
    nowMs: async () => Date.now(),
    ask: <Q extends TraceQuestion>({ ask, ...fields }: Q) => {
      const query = new URLSearchParams(fields as Readonly<Record<string, string>>);
      return api.json<AnswerTo<Q>>({ path: `/debug/trace/${ask}?${query.toString()}` });
    },
    events: async (filter) =>
      (await lines(`/debug/trace?${queryOf(filter).toString()}`)).map((line) => JSON.parse(line) as TraceEvent),
    record: async () =>
      new TraceRecord(contentsOfNdjson((await lines("/debug/trace/record")).join("\n"), "the answer")),
  };
}
