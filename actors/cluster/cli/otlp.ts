/** Which collector `--otlp` names, with OpenTelemetry's own variables where it names none. */
import type { ClusterOptions } from "../options.ts";
import { refuse } from "./failure.ts";

/** Where a collector listens that nobody has told to listen elsewhere. */
const ENDPOINT = "http://localhost:4318";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param given `true`: no address
 * @see OpenTelemetry specification, "OpenTelemetry Protocol Exporter"
 */
export function otlpOf(given: string | true, environment: Environment): NonNullable<ClusterOptions["otlp"]> {
  if (given !== true) return given;
  const of = (name: string): string | undefined =>
    environment[`OTEL_EXPORTER_OTLP_TRACES_${name}`] ?? environment[`OTEL_EXPORTER_OTLP_${name}`];
  const own = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const url = own ?? `${(environment["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? ENDPOINT).replace(/\/+$/, "")}/v1/traces`;
  return { url, headers: headersOf(of("HEADERS") ?? "") };
}

/** `name=value` between commas, with `%` before what means something. Source: W3C Baggage, 3.2.1, as OpenTelemetry takes it. */
function headersOf(text: string): Readonly<Record<string, string>> {
  const headers: [string, string][] = [];
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const [name = "", ...value] = part.split("=");
    if (value.length === 0) throw refuse(`OTEL_EXPORTER_OTLP_HEADERS: ${part.trim()} is not as name=value`);
    headers.push([name.trim(), decoded(value.join("=").trim())]);
  }
  return Object.fromEntries(headers);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
