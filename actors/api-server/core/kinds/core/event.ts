/** Events, as they are stored. They end with the lease that they are written with. */
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { nameOf } from "../../machinery/cells.ts";
import type { Cell } from "../../machinery/cells.ts";
import { age } from "../../machinery/duration.ts";
import { pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";
import { validateCoreEvent } from "./event-validation.ts";

export const coreEventRules: KindRules = {
  expires: true,
  name: pathSegment,
  validate: validateCoreEvent,
  cells: eventCells,
};

/** What the events of both API groups hold, by the names of either. */
interface AnyEvent extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly count?: number;
  readonly deprecatedCount?: number;
  readonly firstTimestamp?: string | null;
  readonly deprecatedFirstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string | null } | null;
  readonly involvedObject?: EventObject;
  readonly regarding?: EventObject;
  readonly source?: EventSource;
  readonly deprecatedSource?: EventSource;
  readonly reportingComponent?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
}
type EventObject = { readonly kind?: string; readonly name?: string; readonly fieldPath?: string };
type EventSource = { readonly component?: string; readonly host?: string };

export function eventCells(event: AnyEvent, nowMs: number): readonly Cell[] {
  const first = event.firstTimestamp ?? event.deprecatedFirstTimestamp ?? event.eventTime;
  const series = event.series ?? undefined;
  const last = series?.lastObservedTime ?? event.lastTimestamp ?? event.deprecatedLastTimestamp ?? first;
  const object = event.involvedObject ?? event.regarding ?? {};
  const source = event.source ?? event.deprecatedSource ?? {};
  const component = source.component || event.reportingComponent || event.reportingController || "";
  const instance = source.host || event.reportingInstance || "";
  const kind = (object.kind ?? "").toLowerCase();
  return [
    age(last, nowMs),
    event.type ?? "",
    event.reason ?? "",
    object.name ? `${kind}/${object.name}` : kind,
    object.fieldPath ?? "",
    instance === "" ? component : `${component}, ${instance}`,
    (event.message ?? event.note ?? "").trim(),
    age(first, nowMs),
    series?.count ?? (event.count || event.deprecatedCount || 1),
    nameOf(event),
  ];
}
