/** That others manage what an apply would change. Source: apimachinery `util/managedfields/internal/conflict.go`. */
import { statusError } from "../../../../protocols/api-server.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import { failure } from "../machinery/status.ts";
import type { FieldSet } from "./field-set.ts";
import { shownPaths } from "./field-set.ts";
import type { Manager } from "./managers.ts";

export interface Conflict {
  readonly manager: Manager;
  /** What both say something of, and not the same. */
  readonly fields: FieldSet;
}

/** Status 409 with a cause for each field. */
export function applyConflict(conflicts: readonly Conflict[]): InkubeError {
  const found = conflicts.flatMap(({ manager, fields }) =>
    shownPaths(fields).map((field) => ({ who: shownManager(manager), field })),
  );
  const causes = found.map(({ who, field }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${who}`,
    field,
  }));
  return statusError(failure(409, "Conflict", messageOf(conflicts, found), { causes }));
}

function messageOf(
  conflicts: readonly Conflict[],
  found: readonly { readonly who: string; readonly field: string }[],
): string {
  const [only, ...more] = found;
  if (only !== undefined && more.length === 0) {
    return `Apply failed with 1 conflict: conflict with ${only.who}: ${only.field}`;
  }
  const lines = conflicts.flatMap(({ manager, fields }) => [
    `conflicts with ${shownManager(manager)}:`,
    ...shownPaths(fields).map((field) => `- ${field}`),
  ]);
  return `Apply failed with ${found.length} conflicts: ${lines.join("\n")}`;
}

function shownManager({ name, operation, apiVersion, subresource }: Manager): string {
  const part = subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(name)}${part}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}
