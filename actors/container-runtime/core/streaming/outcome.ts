/** How a command or a container's output ended, as it is told on the error stream. Source: CRI streaming, `remotecommand/exec.go`. */
export interface Outcome {
  readonly exitCode: number;
  /** It could not be carried out, or was broken off: in the words for who asked. */
  readonly fault?: string;
}

/** @param version of the protocol: before the fourth a plain text, and nothing where all went well */
export function outcomeText({ exitCode, fault }: Outcome, version: number): string {
  if (exitCode === 0 && fault === undefined) {
    return version < 4 ? "" : JSON.stringify({ metadata: {}, status: "Success" });
  }
  const message = fault ?? `command terminated with non-zero exit code: exit status ${exitCode}`;
  if (version < 4) return message;
  const failure = { metadata: {}, status: "Failure" };
  if (fault !== undefined) {
    const whole = `Internal error occurred: ${fault}`;
    const details = { causes: [{ message: fault }] };
    return JSON.stringify({ ...failure, message: whole, reason: "InternalError", details, code: 500 });
  }
  const details = { causes: [{ reason: "ExitCode", message: String(exitCode) }] };
  return JSON.stringify({ ...failure, message, reason: "NonZeroExitCode", details });
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const SIDE_MAX = 65_535;

/** What has come on the resize stream, which is one JSON text after another: the last whole one, and what is left. */
export function readSizes(text: string): { readonly size: TerminalSize | undefined; readonly rest: string } {
  const end = text.lastIndexOf("}") + 1;
  const last = text.slice(0, end).lastIndexOf("{");
  const rest = text.slice(end).slice(-SIZE_TEXT_MAX);
  if (end === 0 || last < 0) return { size: undefined, rest: text.slice(-SIZE_TEXT_MAX) };
  try {
    const given = JSON.parse(text.slice(last, end)) as object;
    // As Go reads names: client-node writes them small.
    const { width: columns, height: rows } = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name.toLowerCase(), value as unknown]),
    );
    return { size: isSide(columns) && isSide(rows) ? { columns, rows } : undefined, rest };
  } catch {
    return { size: undefined, rest };
  }
}

const SIZE_TEXT_MAX = 1_024;

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= SIDE_MAX;
}
