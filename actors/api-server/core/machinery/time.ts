/** Times as the API writes them: UTC, RFC 3339, to the second (`Time`) or to the microsecond (`MicroTime`). */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)$/;
const CANONICAL = /^\d{4}-(0[1-9]|1[0-2])-([01][1-9]|[12]0|2[1-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const CANONICAL_MICRO = /^\d{4}-(0[1-9]|1[0-2])-([01][1-9]|[12]0|2[1-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;

/** Milliseconds since 1970 of an RFC 3339 time; undefined for anything else. */
export function parseTimeMs(text: string): number | undefined {
  if (!RFC3339.test(text)) return undefined;
  const ms = Date.parse(text.toUpperCase());
  return Number.isNaN(ms) ? undefined : ms;
}

/** `2026-01-02T15:04:05Z`. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** `2026-01-02T15:04:05.000000Z`. */
export function formatMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

export function canonicalTime(text: string): string | undefined {
  if (CANONICAL.test(text)) return text;
  const ms = parseTimeMs(text);
  return ms === undefined ? undefined : formatTime(ms);
}

/** Kubernetes takes exactly six decimals. */
export function canonicalMicroTime(text: string): string | undefined {
  if (CANONICAL_MICRO.test(text)) return text;
  const ms = parseTimeMs(text);
  const micros = RFC3339.exec(text)?.[7];
  if (ms === undefined || micros?.length !== 6) return undefined;
  return `${formatTime(ms).slice(0, 19)}.${micros}Z`;
}
