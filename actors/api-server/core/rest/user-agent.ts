/** Who manages what a client writes that does not say so: the first part of its User-Agent. */
const MANAGER_BYTES_MAX = 128;

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Source: apiserver `endpoints/handlers` (prefixFromUserAgent). */
export function managerOfUserAgent(userAgent: string): string {
  const encoder = new TextEncoder();
  let manager = "";
  let bytes = 0;
  for (const character of userAgent.split("/", 1)[0] ?? "") {
    if (!PRINTABLE.test(character)) continue;
    bytes += encoder.encode(character).length;
    if (bytes > MANAGER_BYTES_MAX) break;
    manager += character;
  }
  return manager;
}
