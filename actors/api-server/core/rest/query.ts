/** The query of a URL, and the options that it holds. */
import type { DeleteOptions, ListOptions, WriteOptions } from "../../../../protocols/api-server.ts";
import { badRequest } from "../machinery/status.ts";
import { parseGoDurationMs } from "../../../../protocols/kubernetes/go-duration.ts";
import type { FieldValidation } from "../machinery/decode-object.ts";
import type { Given, WatchOptions, WriteKind } from "./options.ts";
import { checkDeleteOptions, checkListOptions, checkWatchOptions, checkWriteOptions } from "./options.ts";

/** Parameters by name. */
export class Query {
  private readonly values = new Map<string, string[]>();

  constructor(text: string) {
    for (const pair of text.split("&")) {
      const equals = pair.indexOf("=");
      const name = decode(equals < 0 ? pair : pair.slice(0, equals));
      if (name === "") continue;
      const value = equals < 0 ? "" : decode(pair.slice(equals + 1));
      const values = this.values.get(name);
      if (values === undefined) this.values.set(name, [value]);
      else values.push(value);
    }
  }

  /** The first value, which counts where one is expected. */
  get(name: string): string | undefined {
    return this.values.get(name)?.[0];
  }

  all(name: string): readonly string[] | undefined {
    return this.values.get(name);
  }

  has(name: string): boolean {
    return this.values.has(name);
  }
}

const NOTHING = new Query("");

export function parseQuery(text: string): Query {
  return text === "" ? NOTHING : new Query(text);
}

function decode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(text)}`);
  }
}

/**
 * How long a request may take, as its `timeout` says; Infinity when it says nothing of it. Source: apiserver `request_deadline.go`.
 * @throws Status 400
 */
export function timeoutMsOf(query: Query): number {
  const text = query.get("timeout") ?? "";
  if (text === "") return Infinity;
  const parsed = parseGoDurationMs(text);
  if (typeof parsed === "string") throw badRequest(`invalid timeout specified in the request URL - ${parsed}`);
  return parsed > 0 ? parsed : Infinity;
}

/** @throws Status 400 and 422 */
export function listOptions(query: Query): ListOptions {
  return checkListOptions(listParameters(query));
}

/** @throws Status 400 and 422 */
export function watchOptions(query: Query): WatchOptions {
  return checkWatchOptions({
    ...listParameters(query),
    allowWatchBookmarks: boolean(query, "allowWatchBookmarks"),
  });
}

function listParameters(query: Query): Given {
  return {
    labelSelector: query.get("labelSelector"),
    fieldSelector: query.get("fieldSelector"),
    continue: query.get("continue"),
    resourceVersion: query.get("resourceVersion"),
    resourceVersionMatch: query.get("resourceVersionMatch"),
    sendInitialEvents: boolean(query, "sendInitialEvents"),
    limit: integer(query, "limit"),
    timeoutSeconds: integer(query, "timeoutSeconds"),
  };
}

export function isWatch(query: Query): boolean {
  return boolean(query, "watch") ?? false;
}

/**
 * @param applies as for `checkWriteOptions`
 * @throws Status 422 for values that Kubernetes does not know
 */
export function writeOptions(
  query: Query,
  kind: WriteKind,
  applies: boolean = false,
): WriteOptions & { readonly fieldValidation: FieldValidation } {
  const options = checkWriteOptions(
    {
      dryRun: query.all("dryRun"),
      fieldManager: query.get("fieldManager"),
      fieldValidation: query.get("fieldValidation"),
      ...(kind === "PatchOptions" ? { force: boolean(query, "force") } : {}),
    },
    kind,
    applies,
  );
  return { fieldValidation: "Warn", ...options };
}

/**
 * Options of a deletion: the body's, with the query's where it names any. kube-apiserver passes the query over when there is
 * a body, and so carries out what was asked for as a dry run.
 */
export function deleteOptions(query: Query, body: Given): DeleteOptions {
  const own = {
    dryRun: query.all("dryRun"),
    gracePeriodSeconds: integer(query, "gracePeriodSeconds"),
    orphanDependents: boolean(query, "orphanDependents"),
    propagationPolicy: query.get("propagationPolicy"),
  };
  const named = Object.entries(own).filter(([, value]) => value !== undefined);
  return checkDeleteOptions({ ...body, ...Object.fromEntries(named) });
}

export function integer(query: Query, name: string): number | undefined {
  const value = query.get(name);
  if (value === undefined) return undefined;
  if (!/^[-+]?\d{1,15}$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return Number(value);
}

/** As Go's conversion of query parameters: everything but "false" and "0" is true. */
export function boolean(query: Query, name: string): boolean | undefined {
  const value = query.get(name);
  return value === undefined ? undefined : value !== "false" && value !== "0";
}
