/**
 * The options of requests, checked in one place for both doors: the parameters of a query, a body's DeleteOptions, and what
 * an actor's message carries. Nothing that is given is passed over: it is honoured, or refused in Kubernetes' words.
 * Source: apimachinery `apis/meta/v1/validation`, `apis/meta/internalversion/validation`.
 */
import type { DeleteOptions, ListOptions, WriteOptions } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { badRequest, invalid } from "../machinery/status.ts";

/** Options by name, as they came. */
export type Given = Readonly<Record<string, unknown>>;
export type WriteKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";
type OptionsKind = WriteKind | "DeleteOptions" | "ListOptions";

const FIELD_MANAGER_BYTES_MAX = 128;

const NAMES: { readonly [K in OptionsKind]: readonly string[] } = {
  CreateOptions: ["dryRun", "fieldManager", "fieldValidation"],
  UpdateOptions: ["dryRun", "fieldManager", "fieldValidation"],
  PatchOptions: ["dryRun", "fieldManager", "fieldValidation", "force"],
  DeleteOptions: [
    "kind",
    "apiVersion",
    "dryRun",
    "gracePeriodSeconds",
    "orphanDependents",
    "preconditions",
    "propagationPolicy",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
  ],
  ListOptions: [
    "labelSelector",
    "fieldSelector",
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
  ],
};

/** @throws Status 400 for an option that there is not: what comes by a message has no other reader that may know it */
export function checkNames(given: Given, kind: OptionsKind): void {
  const unknown = Object.keys(given).find((name) => !NAMES[kind].includes(name));
  if (unknown !== undefined) throw badRequest(`${kind} have no ${JSON.stringify(unknown)}`);
}

/**
 * @param applies the options are those of server-side apply
 * @throws Status 400 for values of another type, 422 for those that Kubernetes does not know
 */
export function checkWriteOptions(given: Given, kind: WriteKind, applies: boolean = false): WriteOptions {
  const causes: StatusCause[] = [];
  const force = boolean(given, "force", kind);
  const fieldManager = text(given, "fieldManager", kind);
  if (applies && !fieldManager) {
    const message = "Required value: is required for apply patch";
    causes.push({ reason: "FieldValueRequired", message, field: "fieldManager" });
  }
  if (!applies && force !== undefined) causes.push(forbidden("force", "may not be specified for non-apply patch"));
  causes.push(...fieldManagerCauses(fieldManager ?? ""));
  const dryRun = isDryRun(given, kind, causes);
  const fieldValidation = text(given, "fieldValidation", kind) || undefined;
  if (
    fieldValidation !== undefined &&
    fieldValidation !== "Ignore" &&
    fieldValidation !== "Warn" &&
    fieldValidation !== "Strict"
  ) {
    causes.push(notSupported("fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"]));
  }
  refuse(kind, causes);
  return {
    ...(fieldValidation === undefined ? {} : { fieldValidation: fieldValidation as "Warn" }),
    ...(fieldManager ? { fieldManager } : {}),
    ...(force === true ? { force } : {}),
    ...(dryRun ? { dryRun } : {}),
  };
}

/** @throws Status 400 for values of another type, 422 for those that Kubernetes does not know */
export function checkDeleteOptions(given: Given): DeleteOptions {
  const kind = "DeleteOptions";
  const causes: StatusCause[] = [];
  const gracePeriodSeconds = integer(given, "gracePeriodSeconds", kind);
  const orphan = boolean(given, "orphanDependents", kind);
  const policy = text(given, "propagationPolicy", kind);
  const unsafe = boolean(given, "ignoreStoreReadErrorWithClusterBreakingPotential", kind);
  if (policy !== undefined && orphan !== undefined) {
    causes.push(badValue("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"));
  } else if (policy !== undefined && policy !== "Foreground" && policy !== "Background" && policy !== "Orphan") {
    causes.push(notSupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"]));
  }
  const dryRun = isDryRun(given, kind, causes);
  refuse(kind, causes);
  const propagationPolicy = policy ?? (orphan === undefined ? undefined : orphan ? "Orphan" : "Background");
  const preconditions = checkPreconditions(given["preconditions"]);
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy: propagationPolicy as "Orphan" }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(dryRun ? { dryRun } : {}),
    ...(unsafe === true ? { ignoreStoreReadErrorWithClusterBreakingPotential: true } : {}),
  };
}

/**
 * Of a list that is no watch.
 * @throws Status 400 for values of another type, 422 for those that contradict each other
 */
export function checkListOptions(given: Given): ListOptions {
  const kind = "ListOptions";
  const causes: StatusCause[] = [];
  integer(given, "timeoutSeconds", kind);
  const limit = integer(given, "limit", kind);
  const version = text(given, "resourceVersion", kind);
  const more = text(given, "continue", kind);
  const match = text(given, "resourceVersionMatch", kind);
  if (given["sendInitialEvents"] !== undefined) {
    causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  } else if (match) causes.push(...matchCauses(match, version, more));
  refuse(kind, causes);
  return {
    ...named("labelSelector", text(given, "labelSelector", kind)),
    ...named("fieldSelector", text(given, "fieldSelector", kind)),
    ...named("continue", more),
    ...named("resourceVersion", version),
    ...(match ? { resourceVersionMatch: match as "Exact" } : {}),
    ...(limit === undefined || limit <= 0 ? {} : { limit }),
  };
}

function matchCauses(match: string, version: string | undefined, more: string | undefined): readonly StatusCause[] {
  const field = "resourceVersionMatch";
  const causes: StatusCause[] = [];
  if (!version) causes.push(forbidden(field, `${field} is forbidden unless resourceVersion is provided`));
  if (more) causes.push(forbidden(field, `${field} is forbidden when continue is provided`));
  if (match !== "Exact" && match !== "NotOlderThan") {
    causes.push(notSupported(field, match, ["Exact", "NotOlderThan", ""]));
  } else if (match === "Exact" && version === "0") {
    causes.push(forbidden(field, `${field} "exact" is forbidden for resourceVersion "0"`));
  }
  return causes;
}

export interface WatchOptions extends ListOptions {
  readonly sendInitialEvents?: boolean;
  readonly bookmarks: boolean;
  readonly timeoutSeconds?: number;
}

/** @throws Status 400 for values of another type, 422 for those that contradict each other */
export function checkWatchOptions(given: Given): WatchOptions {
  const kind = "ListOptions";
  const field = "resourceVersionMatch";
  const causes: StatusCause[] = [];
  const sendInitialEvents = boolean(given, "sendInitialEvents", kind);
  const match = text(given, field, kind) ?? "";
  const seconds = integer(given, "timeoutSeconds", kind);
  integer(given, "limit", kind);
  if (sendInitialEvents === undefined && match !== "") {
    causes.push(forbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`));
  }
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    causes.push(forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (match !== "" && match !== "NotOlderThan") causes.push(notSupported(field, match, ["NotOlderThan"]));
  if (text(given, "continue", kind)) {
    causes.push(forbidden(field, `${field} is forbidden when continue is provided`));
  }
  refuse(kind, causes);
  return {
    ...named("labelSelector", text(given, "labelSelector", kind)),
    ...named("fieldSelector", text(given, "fieldSelector", kind)),
    ...named("resourceVersion", text(given, "resourceVersion", kind)),
    ...(sendInitialEvents === undefined ? {} : { sendInitialEvents }),
    bookmarks: boolean(given, "allowWatchBookmarks", kind) ?? false,
    ...(seconds === undefined || seconds <= 0 ? {} : { timeoutSeconds: seconds }),
  };
}

function fieldManagerCauses(manager: string): readonly StatusCause[] {
  const field = "fieldManager";
  const causes: StatusCause[] = [];
  if (new TextEncoder().encode(manager).length > FIELD_MANAGER_BYTES_MAX) {
    const message = `Too long: may not be more than ${FIELD_MANAGER_BYTES_MAX} bytes`;
    causes.push({ reason: "FieldValueTooLong", message, field });
  }
  let at = 0;
  for (const character of manager) {
    if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) at += new TextEncoder().encode(character).length;
    else {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      causes.push(badValue(field, manager, `invalid character U+${code} (at position ${at})`));
      break;
    }
  }
  return causes;
}

/** A client of messages may say `true`; on the wire it is the list of the stages that are to run, of which there is one. */
function isDryRun(given: Given, kind: OptionsKind, causes: StatusCause[]): boolean {
  const value = given["dryRun"];
  if (value === undefined || value === null || value === false) return false;
  if (value === true) return true;
  if (!Array.isArray(value)) throw mistyped(value, kind, "dryRun", "[]string");
  const stages: readonly unknown[] = value;
  for (const stage of stages) if (typeof stage !== "string") throw mistyped(stage, kind, "dryRun", "string");
  if (stages.some((stage) => stage !== "All")) causes.push(notSupported("dryRun", stages, ["All"]));
  return stages.length > 0;
}

function checkPreconditions(value: unknown): DeleteOptions["preconditions"] {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    throw mistyped(value, "DeleteOptions", "preconditions", "v1.Preconditions");
  }
  const given = value as Given;
  return {
    ...named("uid", text(given, "uid", "Preconditions")),
    ...named("resourceVersion", text(given, "resourceVersion", "Preconditions")),
  };
}

function named<Name extends string>(name: Name, value: string | undefined): { readonly [K in Name]?: string } {
  return (value === undefined || value === "" ? {} : { [name]: value }) as { readonly [K in Name]?: string };
}

function text(given: Given, name: string, kind: string): string | undefined {
  const value = given[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw mistyped(value, kind, name, "string");
  return value;
}

function integer(given: Given, name: string, kind: string): number | undefined {
  const value = given[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value)) throw mistyped(value, kind, name, "int64");
  return value as number;
}

function boolean(given: Given, name: string, kind: string): boolean | undefined {
  const value = given[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw mistyped(value, kind, name, "bool");
  return value;
}

/** As Go's decoder says it. */
function mistyped(value: unknown, kind: string, name: string, type: string): Error {
  const is = Array.isArray(value)
    ? "array"
    : typeof value === "number"
      ? `number${Number.isInteger(value) ? "" : ` ${value}`}`
      : typeof value === "boolean"
        ? "bool"
        : typeof value;
  return badRequest(`json: cannot unmarshal ${is} into Go struct field ${kind}.${name} of type ${type}`);
}

function forbidden(field: string, why: string): StatusCause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field };
}

function badValue(field: string, value: unknown, why: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

function notSupported(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const values = supported.map((each) => JSON.stringify(each)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return { reason: "FieldValueNotSupported", message, field };
}

function refuse(kind: OptionsKind, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", causes);
}
