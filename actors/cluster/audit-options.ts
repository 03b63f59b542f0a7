/** What is asked of the audit log, and the check of it. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { InkubeError } from "../../protocols/errors.ts";
import { isYamlTooDeep } from "../../protocols/kubernetes/yaml-depth.ts";
import type { AuditOptions } from "../api-server/audit.ts";
import { STANDARD_OUTPUT } from "../api-server/audit.ts";
import { readPolicy } from "../api-server/core/audit/policy.ts";

export interface AuditLogOptions {
  /** A Policy of `audit.k8s.io/v1`: YAML or JSON text, or an object. */
  readonly policy: string | object;
  /** The file that lines are appended to, one of JSON an event. Its directory is made. `-`: the program's standard output. */
  readonly path: string;
  /** Size from which on the file is put aside under a name with the time. 0: never. Default 100. */
  readonly maxSizeMb?: number;
  /** Files put aside that are kept. 0: all. Default 100. */
  readonly maxBackups?: number;
  /** Days that they are kept. 0: for ever. Default 366. */
  readonly maxAgeDays?: number;
}

/** As kube-apiserver's. */
const DEFAULTS = { maxSizeMb: 100, maxBackups: 100, maxAgeDays: 366 } as const;
const FIELDS = ["policy", "path", ...Object.keys(DEFAULTS)];
const BYTES_PER_MB = 1_048_576;
const MODE = 0o600;

/** @param refuse makes the error, which names the field */
export function resolveAudit(
  given: AuditLogOptions,
  refuse: (field: string, what: string) => InkubeError,
): AuditOptions {
  if (typeof given !== "object" || given === null)
    throw refuse("", 'must be { policy, path }, as { policy: "…", path: "audit.log" }');
  for (const field of Object.keys(given))
    if (!FIELDS.includes(field)) throw refuse(field, `there are ${FIELDS.join(", ")}`);
  const number = (field: keyof typeof DEFAULTS): number => {
    if (given.path === STANDARD_OUTPUT && given[field] !== undefined)
      throw refuse(field, "is for a file, and path is none");
    const value = given[field] ?? DEFAULTS[field];
    if (!Number.isInteger(value) || value < 0)
      throw refuse(field, `must be a whole number from 0, not ${String(value)}`);
    return value;
  };
  const read = readPolicy(policyValue(given.policy, refuse));
  if ("problem" in read) throw refuse("policy", read.problem);
  return {
    policy: read.policy,
    path: writable(given.path, refuse),
    maxBytes: number("maxSizeMb") * BYTES_PER_MB,
    maxBackups: number("maxBackups"),
    maxAgeDays: number("maxAgeDays"),
  };
}

function policyValue(policy: string | object, refuse: (field: string, what: string) => InkubeError): unknown {
  if (typeof policy !== "string") return policy;
  if (isYamlTooDeep(policy)) throw refuse("policy", "is nested too deep; is a bracket not closed?");
  const document = parseDocument(policy);
  const [error] = document.errors;
  if (error !== undefined) throw refuse("policy", error.message.split(":\n")[0]!);
  return document.toJS();
}

/** Who can't be written to is told of before anything is started. */
function writable(path: string, refuse: (field: string, what: string) => InkubeError): string {
  if (path === STANDARD_OUTPUT) return path;
  if (typeof path !== "string" || path === "")
    throw refuse("path", "must be the path of a file, or - for standard output");
  const whole = resolve(path);
  try {
    mkdirSync(dirname(whole), { recursive: true });
    closeSync(openSync(whole, "a", MODE));
  } catch (error) {
    throw refuse("path", `can't be written: ${(error as Error).message}`);
  }
  return whole;
}
