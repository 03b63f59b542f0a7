/** What went wrong, in one line for a person. */
import { statusOf } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";

/** Set it to see where an error comes from. */
const STACKS = process.env["INKUBE_STACKS"] === "1";

export function explain(error: unknown): string {
  if (STACKS && error instanceof Error) return error.stack ?? error.message;
  const status = statusOf(error);
  if (status !== undefined) return `the API server refused: ${status.message ?? status.reason ?? "no reason given"}`;
  if (error instanceof InkubeError) return error.message;
  // A defect of ours: say what kind it is, and how to learn more.
  if (error instanceof Error) return `${error.name}: ${error.message} (INKUBE_STACKS=1 shows where)`;
  return String(error);
}

/** An error in what the user gave. */
export function refuse(message: string): InkubeError {
  return new InkubeError("INVALID_ARGUMENT", message);
}
