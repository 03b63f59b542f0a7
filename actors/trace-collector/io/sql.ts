/**
 * Questions in SQL about a record. They are answered by a process of their own: SQLite runs a statement to its end whatever its
 * thread is told, and a process can be ended.
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Cell, Table } from "../core/query.ts";
import { tablesOf } from "../core/query.ts";
import type { TraceRecord } from "../core/record.ts";

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** There were more than `rowsMax`. */
  readonly isCut: boolean;
}

export interface QueryOptions {
  /** Of the statement itself; the tables are made before. */
  readonly timeoutMs: number;
  readonly rowsMax: number;
}

export const QUERY_DEFAULTS: QueryOptions = { timeoutMs: 10_000, rowsMax: 10_000 };

/** The first that has `node:sqlite`; until 22.13 it has to be asked for by an option, which later ones take as well. */
const NODE = { major: 22, minor: 5 };
/** Rows in one write to the process: some hundred kilobytes. */
const BATCH_ROWS = 2_000;

/**
 * @param sql one statement that reads, about the tables `events`, `edges`, `writes`, `faults`, `gaps` and `objects`
 * Errors: NO_SQLITE on a Node.js without it, INVALID_SQL, QUERY_TIMEOUT.
 */
export async function queryRecord(
  record: TraceRecord,
  sql: string,
  options: Partial<QueryOptions> = {},
): Promise<QueryResult> {
  const { timeoutMs, rowsMax } = { ...QUERY_DEFAULTS, ...options };
  checkNode(process.versions.node);
  if (!/^\s*(select|with|values|explain)\b/i.test(sql)) {
    throw new InkubeError("INVALID_SQL", "a record can only be read: begin with SELECT, WITH, VALUES or EXPLAIN");
  }
  const tables = tablesOf(record);
  const child = spawn(process.execPath, ["--no-warnings", "--experimental-sqlite", "-e", PROGRAM], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {},
  });
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const answer = linesOf(child.stdout, (line) => {
    if (line !== "ready") return;
    timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutMs);
  });
  child.on("error", () => undefined);
  // Who ends before it has read all has said why.
  child.stdin.on("error", () => undefined);
  const ask = { sql, rowsMax, tables: tables.map(({ name, columns, indexed }) => ({ name, columns, indexed })) };
  child.stdin.write(`${JSON.stringify(ask)}\n`);
  for (const text of batches(tables)) {
    if (child.exitCode !== null) break;
    if (!child.stdin.write(text)) await new Promise<void>((resolve) => onceEither(child.stdin, resolve));
  }
  child.stdin.end();
  const said = await answer;
  clearTimeout(timer);
  if (isLate) throw new InkubeError("QUERY_TIMEOUT", `the query took longer than ${timeoutMs} ms`);
  if (said === undefined) throw new InkubeError("QUERY_FAILED", "the process that was to answer has ended");
  const { error, ...result } = JSON.parse(said) as QueryResult & { readonly error?: string };
  if (error !== undefined) {
    throw new InkubeError("INVALID_SQL", `${error}; there are the tables ${describe(tables)}`);
  }
  return result;
}

function checkNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NODE.major || (major === NODE.major && minor >= NODE.minor)) return;
  const message = `query needs node:sqlite, which Node.js has since ${NODE.major}.${NODE.minor}; this is ${version}`;
  throw new InkubeError("NO_SQLITE", message);
}

function describe(tables: readonly Table[]): string {
  const names = (columns: readonly string[]): string => columns.map((column) => column.split(" ")[0]).join(", ");
  return tables.map(({ name, columns }) => `${name}(${names(columns)})`).join(", ");
}

/** Each line a row with the number of its table first. */
function* batches(tables: readonly Table[]): Generator<string> {
  let lines: string[] = [];
  for (const [index, { rows }] of tables.entries()) {
    for (const row of rows()) {
      lines.push(`${JSON.stringify([index, ...row])}\n`);
      if (lines.length < BATCH_ROWS) continue;
      yield lines.join("");
      lines = [];
    }
  }
  yield lines.join("");
}

function onceEither(stream: NodeJS.WritableStream, done: () => void): void {
  stream.once("drain", done);
  stream.once("error", done);
  stream.once("close", done);
}

/** The last line of what a process says; undefined when it has said nothing whole. */
async function linesOf(stream: Readable, onLine: (line: string) => void): Promise<string | undefined> {
  let rest = "";
  let last: string | undefined;
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    const parts = (rest + (chunk as string)).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) {
      onLine(line);
      last = line === "ready" ? undefined : line;
    }
  }
  return last;
}

/** What the process runs: it has nothing of inkube, so that it starts in some forty milliseconds. */
const PROGRAM = `
const { DatabaseSync } = require("node:sqlite");
const lines = require("node:readline").createInterface({ input: process.stdin });
const db = new DatabaseSync(":memory:");
const say = (what) => require("node:fs").writeSync(1, JSON.stringify(what) + "\\n");
let ask, inserts;
lines.on("line", (line) => {
  if (ask === undefined) {
    ask = JSON.parse(line);
    db.exec("BEGIN");
    inserts = ask.tables.map(({ name, columns }) => {
      db.exec("CREATE TABLE " + name + " (" + columns.join(", ") + ")");
      return db.prepare("INSERT OR IGNORE INTO " + name + " VALUES (" + columns.map(() => "?").join() + ")");
    });
  } else if (line !== "") {
    const [table, ...cells] = JSON.parse(line);
    inserts[table].run(...cells);
  }
});
lines.on("close", () => {
  for (const { name, indexed } of ask.tables)
    for (const column of indexed) db.exec("CREATE INDEX " + name + "_" + column + " ON " + name + " (" + column + ")");
  db.exec("COMMIT; PRAGMA query_only = ON");
  require("node:fs").writeSync(1, "ready\\n");
  try {
    const rows = [];
    const statement = db.prepare(ask.sql);
    let columns = (statement.columns?.() ?? []).map(({ name }) => name), isCut = false;
    for (const row of statement.iterate()) {
      if (rows.length === 0) columns = Object.keys(row);
      if (rows.length === ask.rowsMax) { isCut = true; break; }
      rows.push(Object.values(row));
    }
    say({ columns, rows, isCut });
  } catch (error) {
    say({ error: error.message });
  }
});
`;
