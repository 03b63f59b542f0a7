/** Who manages what a client writes that does not say so: the first part of its User-Agent. */
const MANAGER_BYTES_MAX = 128;

/** Source: apiserver `endpoints/handlers` (prefixFromUserAgent). */
export function managerOfUserAgent(userAgent: string): string {
  const [product = ""] = userAgent.split("/", 1);
  // Nearly all are of this form, and this is asked at each write.
  if (/^[ -~]*$/.test(product)) return product.slice(0, MANAGER_BYTES_MAX);
  // Not at the top: the classes of Unicode take a millisecond to read.
  const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
  const encoder = new TextEncoder();
  let manager = "";
  let bytes = 0;
  for (const character of product) {
    if (!printable.test(character)) continue;
    bytes += encoder.encode(character).length;
    if (bytes > MANAGER_BYTES_MAX) break;
    manager += character;
  }
  return manager;
}
