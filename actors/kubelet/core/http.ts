/** The HTTP/1.1 that probes and hooks need: one GET, of whose answer the status counts. @see RFC 9112 */
import type { HTTPGetAction } from "../../../protocols/kubernetes/types/core-v1.ts";

/** Head of an answer that may come before its first line ends. Anything longer is no HTTP. */
const STATUS_LINE_BYTES_MAX = 8_192;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function getRequest(action: HTTPGetAction, host: string, port: number): Uint8Array {
  const path = action.path === undefined || action.path === "" ? "/" : action.path;
  const given = (action.httpHeaders ?? []).map(({ name, value }) => [clean(name), clean(value)] as const);
  const has = (name: string): boolean => given.some(([key]) => key.toLowerCase() === name);
  const headers = [
    ...(has("host") ? [] : [["Host", `${host}:${port}`] as const]),
    ...(has("user-agent") ? [] : [["User-Agent", "kube-probe/1.37"] as const]),
    ...(has("accept") ? [] : [["Accept", "*/*"] as const]),
    ...given,
    ["Connection", "close"] as const,
  ];
  const target = clean(path.startsWith("/") ? path : `/${path}`).replaceAll(" ", "%20");
  const lines = [`GET ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return encoder.encode(lines.join("\r\n") + "\r\n\r\n");
}

/** No line break gets out of a field. */
function clean(text: string): string {
  return text.replaceAll(/[\r\n]/g, "");
}

/** The status code, "incomplete" when the first line has not ended yet, or undefined when this is no HTTP. */
export function statusOfAnswer(bytes: Uint8Array): number | "incomplete" | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return bytes.length > STATUS_LINE_BYTES_MAX ? undefined : "incomplete";
  const match = /^HTTP\/1\.[01] (\d{3})( |\r|$)/.exec(decoder.decode(bytes.subarray(0, end)));
  return match === null ? undefined : Number(match[1]);
}
