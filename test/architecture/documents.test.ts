/** What the documents name exists: a walk through the code that leads to a file of old helps nobody. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const DOCUMENTS = ["README.md", "runtime/README.md", ".github/CONTRIBUTING.md", ".github/CHANGELOG.md"];
const TOP_LEVEL = /^(actors|runtime|protocols|test|\.github|\.ci)\//;

/** Paths in back-quotes from the top level, and the targets of links. */
export function namedPaths(document: string, text: string): readonly string[] {
  const quoted = [...text.matchAll(/`([\w./-]+)`/g)].map((match) => match[1]!).filter((path) => TOP_LEVEL.test(path));
  const linked = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map((match) => join(dirname(document), match[1]!));
  return [...quoted, ...linked];
}

it.each(DOCUMENTS)("%s names only files that are there", (document) => {
  const paths = namedPaths(document, readFileSync(join(root, document), "utf8"));
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it("sees a name that leads nowhere", () => {
  expect(namedPaths("a/b.md", "`actors/none.ts` and `ctx.clock` [x](../c.md) [y](https://example.com)")).toEqual([
    "actors/none.ts",
    "c.md",
  ]);
});
