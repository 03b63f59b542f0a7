/** What is wrong with an expression, as an error of its field. */
import type { Compiled } from "../../cel/compile.ts";
import type { FieldErrors } from "./field-errors.ts";

export function validateCompiled(field: string, text: string, compiled: Compiled, errors: FieldErrors): void {
  if (!("problem" in compiled)) return;
  if (compiled.internal === true) errors.internal(field, compiled.problem);
  else errors.invalid(field, text, compiled.problem);
}
