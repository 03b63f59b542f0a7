/** A command of kubectl, as `kubectl-commands.ts` lists them. */

export interface Row {
  readonly command: string;
  /** In what it prints, to either stream. */
  readonly prints: RegExp;
  readonly input?: string;
  /** It goes on until it is stopped; this, typed beside it again and again, is what it tells of. {n} is another number each time. */
  readonly meanwhile?: string;
  /** What it serves meanwhile, at the address that `prints` finds: a path. */
  readonly serves?: string;
  /** 0 by default. */
  readonly code?: number;
  /** What is known not to be as with a real cluster, and what it comes to instead. */
  readonly differs?: { readonly what: string; readonly prints: RegExp; readonly code?: number };
}

export interface Section {
  readonly name: string;
  readonly rows: readonly Row[];
}

export type More = Omit<Row, "command" | "prints">;

export function row(command: string, prints: RegExp, more: More = {}): Row {
  return { command, prints, ...more };
}

export function yaml(object: unknown): More {
  return { input: JSON.stringify(object) };
}
