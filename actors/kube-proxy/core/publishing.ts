/** What the annotation of a Service must become, so that it says where the Service is really served. */
import type { Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { ListenerRow } from "./listener-table.ts";
import { ADDRESS_ANNOTATION, publishedAddresses } from "../../../protocols/published-addresses.ts";

/** By port, where what can't be served at its own address is served by now. */
export function placesOf(rows: readonly ListenerRow[]): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const { wanted, bound } of rows) {
    if (wanted.kind !== "cluster" || bound === undefined) continue;
    const isOwn = bound.host === wanted.host && bound.port === wanted.port;
    if (!isOwn) places.set(String(wanted.port), `${bound.host}:${bound.port}`);
  }
  return places;
}

/**
 * The new value, null to remove it, undefined to leave it as it is. A port that is not bound now keeps what was said:
 * it is about to be bound again, at the same place if possible.
 */
export function annotationChange(service: Service, rows: readonly ListenerRow[]): string | null | undefined {
  const before = publishedAddresses(service);
  const after = new Map<string, string>();
  const ports = new Set((service.spec?.ports ?? []).map((port) => String(port.port)));
  for (const [port, address] of before) if (ports.has(port)) after.set(port, address);
  for (const { wanted, bound } of rows) {
    if (wanted.kind !== "cluster" || bound === undefined) continue;
    const isOwn = bound.host === wanted.host && bound.port === wanted.port;
    if (isOwn) after.delete(String(wanted.port));
    else after.set(String(wanted.port), `${bound.host}:${bound.port}`);
  }
  const present = service.metadata?.annotations?.[ADDRESS_ANNOTATION];
  if (after.size === 0) return present === undefined ? undefined : null;
  const value = JSON.stringify(Object.fromEntries([...after].sort(([a], [b]) => Number(a) - Number(b))));
  return value === present ? undefined : value;
}
