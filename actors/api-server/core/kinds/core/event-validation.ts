/**
 * Rules of events: lenient for those of v1 without eventTime, as old clients write them, strict for those of events.k8s.io.
 * Source: Kubernetes `pkg/apis/core/validation/events.go`.
 */
import type { Event } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { Event as EventV1 } from "../../../../../protocols/kubernetes/types/events-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";

const INSTANCE_CHARS_MAX = 128;
const ACTION_CHARS_MAX = 128;
const REASON_CHARS_MAX = 128;
const NOTE_CHARS_MAX = 1024;

/** What the two versions have in common, by the names of v1. */
interface Common {
  readonly namespace: string;
  readonly aboutNamespace: string;
  readonly eventTime: string | null | undefined;
  readonly reporter: string | undefined;
  readonly reporterField: string;
  readonly instance: string | undefined;
  readonly action: string | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

export function validateCoreEvent(event: Event, errors: FieldErrors): void {
  validateCommon(
    {
      namespace: event.metadata?.namespace ?? "",
      aboutNamespace: event.involvedObject?.namespace ?? "",
      eventTime: event.eventTime,
      reporter: event.reportingComponent,
      reporterField: "reportingComponent",
      instance: event.reportingInstance,
      action: event.action,
      reason: event.reason,
      message: event.message,
    },
    errors,
  );
}

export function validateEventsEvent(event: EventV1, errors: FieldErrors): void {
  validateCommon(
    {
      namespace: event.metadata?.namespace ?? "",
      aboutNamespace: event.regarding?.namespace ?? "",
      eventTime: event.eventTime,
      reporter: event.reportingController,
      reporterField: "reportingController",
      instance: event.reportingInstance,
      action: event.action,
      reason: event.reason,
      message: event.note,
    },
    errors,
  );
  if (event.series) {
    if (event.series.count < 2) errors.invalid("series.count", "", "should be at least 2");
    if (!event.series.lastObservedTime) errors.required("series.lastObservedTime");
  }
  if (!event.eventTime) errors.required("eventTime");
  const { type = "" } = event;
  if (type !== "Normal" && type !== "Warning") errors.invalid("type", "", `has invalid value: ${type}`);
  if (event.deprecatedFirstTimestamp) errors.invalid("firstTimestamp", "", "needs to be unset");
  if (event.deprecatedLastTimestamp) errors.invalid("lastTimestamp", "", "needs to be unset");
  if (event.deprecatedCount) errors.invalid("count", "", "needs to be unset");
  if (event.deprecatedSource?.component || event.deprecatedSource?.host) {
    errors.invalid("source", "", "needs to be unset");
  }
}

function validateCommon(event: Common, errors: FieldErrors): void {
  const { namespace, aboutNamespace: about } = event;
  const mismatch = (): void => errors.invalid("involvedObject.namespace", about, "does not match event.namespace");
  if (!event.eventTime) {
    const matches = about === "" ? namespace === "" || namespace === "default" : about === namespace;
    if (!matches) mismatch();
    return;
  }
  if (about === "" && namespace !== "default" && namespace !== "kube-system") mismatch();
  if (!event.reporter) errors.required(event.reporterField);
  errors.all(event.reporterField, event.reporter ?? "", qualifiedName(event.reporter ?? ""));
  requiredWithin("reportingInstance", event.instance, INSTANCE_CHARS_MAX, errors);
  requiredWithin("action", event.action, ACTION_CHARS_MAX, errors);
  requiredWithin("reason", event.reason, REASON_CHARS_MAX, errors);
  within("message", event.message, NOTE_CHARS_MAX, errors);
}

function requiredWithin(field: string, value: string | undefined, charsMax: number, errors: FieldErrors): void {
  if (!value) errors.required(field);
  within(field, value, charsMax, errors);
}

function within(field: string, value: string | undefined, charsMax: number, errors: FieldErrors): void {
  if ((value ?? "").length > charsMax) errors.invalid(field, "", `can have at most ${charsMax} characters`);
}
