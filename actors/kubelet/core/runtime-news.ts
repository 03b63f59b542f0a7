/** What becomes of a runtime's list when its events of the same time are taken into account, whichever came first. */
import type { ContainerEvent, ContainerStatus } from "../../../protocols/container-runtime.ts";

/** Whether `status` says less of a container than `known` does: a container only goes forward. */
export function isOlder(status: ContainerStatus, known: ContainerStatus): boolean {
  const [one, other] = [rank(status), rank(known)];
  if (one !== other) return one < other;
  return Object.keys(status.listening).length < Object.keys(known.listening).length;
}

function rank({ state }: ContainerStatus): number {
  return state === "CONTAINER_CREATED" ? 0 : state === "CONTAINER_RUNNING" ? 1 : 2;
}

/** `listed`, and what `events` tell beyond it. They may be older than the list as well as newer; among themselves they are in order. */
export function withNews(
  listed: readonly ContainerStatus[],
  events: readonly ContainerEvent[],
): readonly ContainerStatus[] {
  const containers = new Map(listed.map((status) => [status.id, status]));
  for (const { type, status } of events) {
    const known = containers.get(status.id);
    if (type === "CONTAINER_DELETED_EVENT") containers.delete(status.id);
    else if (known === undefined || !isOlder(status, known)) containers.set(status.id, status);
  }
  return [...containers.values()];
}
