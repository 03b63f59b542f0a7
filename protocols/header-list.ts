/** The parts of a header that is a list with commas, given once or several times. */
export function listOf(header: string | readonly string[] | undefined): readonly string[] {
  const values = header === undefined ? [] : typeof header === "string" ? [header] : header;
  return values
    .flatMap((value) => value.split(","))
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
