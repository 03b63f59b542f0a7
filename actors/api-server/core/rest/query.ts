/** Query parameters of the REST API, checked as Kubernetes does. */
import type { DeleteOptions, ListOptions, WriteOptions } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/meta-v1.ts";
import { badRequest, invalid } from "../machinery/status.ts";

export type Query = ReadonlyMap<string, string>;

const NONE: Query = new Map();

/** The first value of each parameter counts. */
export function parseQuery(text: string): Query {
  if (text === "") return NONE;
  const query = new Map<string, string>();
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (name !== "" && !query.has(name)) query.set(name, equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  return query;
}

function decode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(text)}`);
  }
}

export function listOptions(query: Query): ListOptions {
  const limit = integer(query, "limit");
  const match = query.get("resourceVersionMatch");
  return {
    ...given(query, "labelSelector"),
    ...given(query, "fieldSelector"),
    ...given(query, "continue"),
    ...given(query, "resourceVersion"),
    ...(limit === undefined || limit <= 0 ? {} : { limit }),
    ...(match === undefined || match === "" ? {} : { resourceVersionMatch: match as "Exact" }),
  };
}

export interface WatchOptions extends ListOptions {
  readonly sendInitialEvents?: boolean;
  readonly bookmarks: boolean;
  readonly timeoutSeconds?: number;
}

/** @throws Status 422 for options that contradict each other */
export function watchOptions(query: Query): WatchOptions {
  const sendInitialEvents = boolean(query, "sendInitialEvents");
  const match = query.get("resourceVersionMatch") ?? "";
  const cause = (why: string): never => {
    const causes = [{ reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field: "resourceVersionMatch" }];
    throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", causes);
  };
  if (sendInitialEvents === undefined && match !== "") {
    cause("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    cause("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  const timeoutSeconds = integer(query, "timeoutSeconds");
  const { resourceVersionMatch: _match, continue: _continue, limit: _limit, ...rest } = listOptions(query);
  return {
    ...rest,
    ...(sendInitialEvents === undefined ? {} : { sendInitialEvents }),
    bookmarks: boolean(query, "allowWatchBookmarks") ?? false,
    ...(timeoutSeconds === undefined || timeoutSeconds <= 0 ? {} : { timeoutSeconds }),
  };
}

export function isWatch(query: Query): boolean {
  return boolean(query, "watch") ?? false;
}

/** @throws Status 422 for values that Kubernetes does not know */
export function writeOptions(query: Query, kind: "CreateOptions" | "UpdateOptions" | "PatchOptions"): WriteOptions {
  const fieldValidation = query.get("fieldValidation") || "Warn";
  if (fieldValidation !== "Ignore" && fieldValidation !== "Warn" && fieldValidation !== "Strict") {
    const supported = 'supported values: "", "Ignore", "Strict", "Warn"';
    const message = `Unsupported value: ${JSON.stringify(fieldValidation)}: ${supported}`;
    throw invalidOption(kind, { reason: "FieldValueNotSupported", message, field: "fieldValidation" });
  }
  return {
    fieldValidation,
    ...given(query, "fieldManager"),
    ...(dryRun(query.get("dryRun"), kind) ? { dryRun: true } : {}),
  };
}

/** Options of a deletion: the body's, with the query's where it names any. */
export function deleteOptions(query: Query, body: Readonly<Record<string, unknown>>): DeleteOptions {
  const kind = "DeleteOptions";
  const seconds = integer(query, "gracePeriodSeconds") ?? body["gracePeriodSeconds"];
  const orphan = boolean(query, "orphanDependents") ?? body["orphanDependents"];
  const policy = query.get("propagationPolicy") ?? body["propagationPolicy"];
  if (seconds !== undefined && !Number.isInteger(seconds)) throw badRequest("gracePeriodSeconds must be a number");
  if (policy !== undefined && policy !== "Foreground" && policy !== "Background" && policy !== "Orphan") {
    const supported = 'supported values: "Foreground", "Background", "Orphan", "nil"';
    const message = `Unsupported value: ${JSON.stringify(policy)}: ${supported}`;
    throw invalidOption(kind, { reason: "FieldValueNotSupported", message, field: "propagationPolicy" });
  }
  const dryRunValues = query.get("dryRun") ?? (body["dryRun"] as readonly string[] | undefined)?.join();
  const propagationPolicy = policy ?? (orphan === undefined ? undefined : orphan === true ? "Orphan" : "Background");
  const preconditions = body["preconditions"] as DeleteOptions["preconditions"];
  return {
    ...(seconds === undefined ? {} : { gracePeriodSeconds: seconds as number }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(preconditions === undefined || preconditions === null ? {} : { preconditions }),
    ...(dryRun(dryRunValues, kind) ? { dryRun: true } : {}),
  };
}

function dryRun(value: string | undefined, kind: string): boolean {
  if (value === undefined || value === "") return false;
  if (value === "All") return true;
  const message = `Unsupported value: ${JSON.stringify([value])}: supported values: "All"`;
  throw invalidOption(kind, { reason: "FieldValueNotSupported", message, field: "dryRun" });
}

function invalidOption(kind: string, cause: StatusCause): Error {
  return invalid({ group: "meta.k8s.io", kind }, "", [cause]);
}

function given<Name extends string>(query: Query, name: Name): { readonly [K in Name]?: string } {
  const value = query.get(name);
  return (value === undefined || value === "" ? {} : { [name]: value }) as { readonly [K in Name]?: string };
}

export function integer(query: Query, name: string): number | undefined {
  const value = query.get(name);
  if (value === undefined || value === "") return undefined;
  if (!/^-?\d{1,15}$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return Number(value);
}

/** As Go's conversion of query parameters: everything but "false" and "0" is true. */
export function boolean(query: Query, name: string): boolean | undefined {
  const value = query.get(name);
  return value === undefined ? undefined : value !== "false" && value !== "0";
}
