/** Where two versions of an object, or any two values as JSON has them, are not the same. */

import type { Difference } from "../../../protocols/trace-collector.ts";

/** Of what is kept for the server's own use nobody wants to read. */
const KEPT_FOR_THE_SERVER = /^metadata\.(managedFields|resourceVersion)/;

/** In the order of the fields; items of a list that have names or types of their own are matched by these. `except`: paths that are not compared. */
export function differencesBetween(
  before: unknown,
  after: unknown,
  except: RegExp = KEPT_FOR_THE_SERVER,
): readonly Difference[] {
  const found: Difference[] = [];
  compare(before, after, "", except, found);
  return found;
}

/** What stands at a path as `differencesBetween` tells it; labels may also stand there with their dots, as in `metadata.labels.app.io/name`. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === "") return value;
  const quoted = /^\["([^"]*)"\]\.?/.exec(path) ?? /^\[(\d+|[\w.-]+)\]\.?/.exec(path);
  if (quoted !== null) return valueAt(memberOf(value, quoted[1]!), path.slice(quoted[0].length));
  // The longest key first: keys of labels have dots.
  for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf(".", end - 1), path.lastIndexOf("[", end - 1))) {
    const member = memberOf(value, path.slice(0, end));
    if (member !== undefined) return valueAt(member, path.slice(path[end] === "." ? end + 1 : end));
  }
  return undefined;
}

/** As a person reads it; what is long is cut. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}

const SHOWN_MAX = 60;

function compare(before: unknown, after: unknown, path: string, except: RegExp, found: Difference[]): void {
  if (before === after || (path !== "" && except.test(path))) return;
  if (isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const key of keysOf(before, after)) {
      compare(memberOf(before, key), memberOf(after, key), joined(path, key, Array.isArray(before)), except, found);
    }
    return;
  }
  found.push({
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}

function joined(path: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${path}["${key}"]`;
  return path === "" ? key : `${path}.${key}`;
}

/** Of two lists whose items have names or types of their own, these; else their places. */
function keysOf(before: object, after: object): ReadonlySet<string> {
  const names = [before, after].map((value) => (Array.isArray(value) ? namesOf(value) : undefined));
  const keys = names.every((of) => of !== undefined) ? names : [Object.keys(before), Object.keys(after)];
  return new Set(keys.flat() as readonly string[]);
}

function namesOf(list: readonly unknown[]): readonly string[] | undefined {
  const names = list.map(nameIn);
  return names.every((name) => name !== undefined) && new Set(names).size === names.length ? names : undefined;
}

function nameIn(item: unknown): string | undefined {
  const { type, name } = (isObject(item) ? item : {}) as { readonly type?: unknown; readonly name?: unknown };
  const found = typeof name === "string" ? name : type;
  return typeof found === "string" && /^[A-Za-z][\w.-]*$/.test(found) ? found : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function memberOf(value: unknown, key: string): unknown {
  if (Array.isArray(value) && !/^\d+$/.test(key)) return value.find((item) => nameIn(item) === key);
  return isObject(value) && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
