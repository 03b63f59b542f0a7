/** Where kube-proxy says, on a Service, that it serves the ports whose own address it can't have. */
import type { Service } from "./kubernetes/types/core-v1.ts";

/** On a Service: JSON that says, by port number, where a port is really served when its own address can't be had. */
export const ADDRESS_ANNOTATION = "inkube.dev/address";

/** What the annotation says, by port number; empty when it is absent or not what we write. */
export function publishedAddresses(service: Service): ReadonlyMap<string, string> {
  const text = service.metadata?.annotations?.[ADDRESS_ANNOTATION];
  if (text === undefined) return new Map();
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed === null || typeof parsed !== "object") return new Map();
    return new Map(
      Object.entries(parsed).flatMap(([port, address]): [string, string][] =>
        typeof address === "string" ? [[port, address]] : [],
      ),
    );
  } catch {
    // Anybody may write an annotation: what can't be read says nothing, and its owner writes it anew.
    return new Map();
  }
}

/** @returns undefined: at its own address, as far as `published` says */
export function publishedPlace(
  published: ReadonlyMap<string, string>,
  port: number,
): { readonly host: string; readonly port: number } | undefined {
  const [, host, real] = /^(.+):(\d+)$/.exec(published.get(String(port)) ?? "") ?? [];
  return host === undefined ? undefined : { host, port: Number(real) };
}
