/** The flags of the audit log, named as kube-apiserver's. */
import { readFileSync } from "node:fs";
import type { AuditLogOptions } from "../audit-options.ts";
import { integer } from "./arguments.ts";
import { refuse } from "./failure.ts";

export interface AuditFlags {
  readonly policyFile: string | undefined;
  readonly path: string | undefined;
  readonly maxage: string | undefined;
  readonly maxbackup: string | undefined;
  readonly maxsize: string | undefined;
}

const NUMBERS = { maxage: "maxAgeDays", maxbackup: "maxBackups", maxsize: "maxSizeMb" } as const;
const MOST = 1_000_000;

/** Undefined where no flag is given. Errors: INVALID_ARGUMENT. */
export function auditLogOf(flags: AuditFlags): AuditLogOptions | undefined {
  const { policyFile, path } = flags;
  const numbers: Partial<Record<(typeof NUMBERS)[keyof typeof NUMBERS], number>> = {};
  for (const [flag, field] of Object.entries(NUMBERS) as [
    keyof typeof NUMBERS,
    (typeof NUMBERS)[keyof typeof NUMBERS],
  ][]) {
    const text = flags[flag];
    if (text !== undefined) numbers[field] = integer(`--audit-log-${flag}`, text, 0, MOST);
  }
  if (policyFile === undefined && path === undefined && Object.keys(numbers).length === 0) return undefined;
  if (policyFile === undefined) throw refuse("an audit log needs --audit-policy-file, which says what is to be in it");
  if (path === undefined) throw refuse("an audit policy needs --audit-log-path, the file that the log is written to");
  return { policy: textOf(policyFile), path, ...numbers };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw refuse(`--audit-policy-file: ${(error as Error).message}`);
  }
}
