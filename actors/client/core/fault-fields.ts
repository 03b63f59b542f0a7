/** What a log line tells of a fault of the program: whatever was thrown, with its stack where it has one. */
export function faultFields(thrown: unknown): { readonly error: string; readonly stack: string } {
  return thrown instanceof Error
    ? { error: thrown.message, stack: thrown.stack ?? "" }
    : { error: String(thrown), stack: "" };
}
