/** What `inkube get` adds for a person who sees that something is not as it should be: how to learn why. */
import type { Table } from "./table.ts";

/** States that pass by themselves, or are as one wishes. */
const FINE =
  /^(Running|Completed|Succeeded|Ready|Active|Bound|Available|ContainerCreating|PodInitializing|Terminating|Init:\d+\/\d+)/;
/** A Job's, and a container's restarts' after them. */
const PARTS = /^(\d+)\/(\d+)/;

/** The command that tells why the first row that is not ready is not; undefined when all are. */
export function whyHint(resource: string, table: Table): string | undefined {
  const columns = (table.columnDefinitions ?? []).map(({ name }) => name.toLowerCase());
  const [ready, status] = [columns.indexOf("ready"), columns.indexOf("status")];
  const row = (table.rows ?? []).find(({ cells }) => {
    const state = status < 0 ? "" : String(cells[status]);
    if (status >= 0 && !FINE.test(state)) return true;
    const [, has = "0", wants = "0"] = PARTS.exec(String(cells[ready])) ?? [];
    return ready >= 0 && state !== "Completed" && Number(has) < Number(wants);
  });
  const { name, namespace } = row?.object?.metadata ?? {};
  if (name === undefined) return undefined;
  const place = namespace === undefined || namespace === "default" ? "" : `${namespace}/`;
  return `why: inkube trace why ${resource}/${place}${name}`;
}
