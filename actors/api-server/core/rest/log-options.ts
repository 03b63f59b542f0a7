/** The options of `pods/log`, checked before the pod is looked for. Source: apis/core/validation `ValidatePodLogOptions`. */
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { badRequest, invalid } from "../machinery/status.ts";
import type { Query } from "./query.ts";
import { boolean, integer } from "./query.ts";

/** What the kubelet is asked for, as parameters. */
export type LogOptions = Readonly<Record<string, string>>;

const LAYOUT = "2006-01-02T15:04:05Z07:00";
/** The parts of a time in RFC 3339, each with its name in Go's layout. A fraction may follow the seconds. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^\d{4}/, "2006"],
  [/^-/, "-"],
  [/^\d{2}/, "01"],
  [/^-/, "-"],
  [/^\d{2}/, "02"],
  [/^T/, "T"],
  [/^\d{2}/, "15"],
  [/^:/, ":"],
  [/^\d{2}/, "04"],
  [/^:/, ":"],
  [/^\d{2}([.,]\d+)?/, "05"],
  [/^(Z|[-+]\d{2}:\d{2})/, "Z07:00"],
];

/** @throws Status 400 for what is no number or time, 422 for numbers out of range and options that exclude each other */
export function logOptions(pod: string, query: Query): LogOptions {
  const tailLines = integer(query, "tailLines");
  const limitBytes = integer(query, "limitBytes");
  const sinceSeconds = integer(query, "sinceSeconds");
  const sinceTime = query.get("sinceTime") || undefined;
  if (sinceTime !== undefined) checkTime(sinceTime);
  const causes: StatusCause[] = [];
  const least = (field: string, value: number | undefined, min: 0 | 1): void => {
    if (value === undefined || value >= min) return;
    const bound = min === 0 ? "greater than or equal to 0" : "greater than 0";
    causes.push({ reason: "FieldValueInvalid", message: `Invalid value: ${value}: must be ${bound}`, field });
  };
  least("tailLines", tailLines, 0);
  least("limitBytes", limitBytes, 1);
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    const why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
    causes.push({ reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field: "[]" });
  } else least("sinceSeconds", sinceSeconds, 1);
  // PodLogsQuerySplitStreams is off by default: both streams come as one.
  if (query.has("stream")) {
    causes.push({ reason: "FieldValueForbidden", message: "Forbidden: may not be specified", field: "stream" });
  }
  if (causes.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, pod, causes);
  const flag = (name: string): LogOptions => (boolean(query, name) === true ? { [name]: "true" } : {});
  const number = (name: string, value: number | undefined): LogOptions =>
    value === undefined ? {} : { [name]: String(value) };
  return {
    ...flag("follow"),
    ...flag("previous"),
    ...flag("timestamps"),
    ...number("tailLines", tailLines),
    ...number("limitBytes", limitBytes),
    ...number("sinceSeconds", sinceSeconds),
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}

function checkTime(text: string): void {
  let rest = text;
  for (const [pattern, name] of PARTS) {
    const found = pattern.exec(rest)?.[0];
    if (found === undefined) {
      throw badRequest(
        `parsing time ${JSON.stringify(text)} as "${LAYOUT}": cannot parse ${JSON.stringify(rest)} as "${name}"`,
      );
    }
    rest = rest.slice(found.length);
  }
  if (rest !== "") throw badRequest(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
}
