/** Events of events.k8s.io: those of the core group under other names. */
import { eventCells } from "../core/event.ts";
import { validateEventsEvent } from "../core/event-validation.ts";
import type { KindRules } from "../rules.ts";
import { toCoreVersion, toEventsVersion } from "./event-versions.ts";

export const eventRules: KindRules = {
  validate: validateEventsEvent,
  cells: eventCells,
  convert: { toServed: toEventsVersion, toStored: toCoreVersion },
};
