/**
 * Each mistake of the zoo that one seed finds quickly is found by that seed, and the code as it is holds with it. All of them, and
 * how many seeds each takes: `node test/mutation/run.mjs zoo`.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// @ts-expect-error -- a program without types, which runs before anything is built
import { bundle, editsOf, firstFailure, makeFolder, removeFolder } from "../../mutation/seeds.mjs";
// @ts-expect-error -- data
import { variants as api } from "./rows/api.mjs";
// @ts-expect-error -- data
import { variants as cluster } from "./rows/cluster.mjs";
// @ts-expect-error -- data
import { variants as etcd } from "./rows/etcd.mjs";
// @ts-expect-error -- data
import { variants as raft } from "./rows/raft.mjs";

interface Row {
  readonly name: string;
  readonly story: string;
  /** One that finds it quickly; absent: only the long run looks for it. */
  readonly seed?: number;
  readonly budget: number;
  readonly file: string;
  readonly why: string;
}

const rows = [...raft, ...etcd, ...api, ...cluster] as readonly Row[];
const kept = rows.filter((row): row is Row & { readonly seed: number } => row.seed !== undefined);
const told = [...new Set(kept.map(({ story, seed }) => `${story} ${seed}`))].map((text) => {
  const [story = "", seed] = text.split(" ");
  return { story, seed: Number(seed) };
});
const ROOT = new URL("../../../", import.meta.url);
/** Much more than a seed takes, for a machine that is busy otherwise. */
const TIMEOUT_MS = 120_000;
let folder: string;

beforeAll(() => {
  folder = makeFolder() as string;
});

afterAll(() => removeFolder(folder) as void);

describe("the bug zoo", () => {
  it("has rows that are about the code as it is", () => {
    for (const row of rows) {
      const source = readFileSync(new URL(row.file, ROOT), "utf8");
      for (const [find] of editsOf(row) as readonly (readonly [string, string])[]) {
        expect(source.split(find).length - 1, `${row.name} in ${row.file}`).toBe(1);
      }
    }
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });

  it.each(kept)(
    "$name is found by seed $seed of $story: $why",
    async (row) => {
      const program: unknown = await bundle(folder, row);
      expect(await firstFailure(program, row.story, row.seed, row.seed)).toMatchObject({ seed: row.seed });
    },
    TIMEOUT_MS,
  );

  it(
    "is silent on the code as it is, with the same seeds",
    async () => {
      const program: unknown = await bundle(folder, undefined);
      for (const { story, seed } of told) {
        expect(await firstFailure(program, story, seed, seed), `${story} ${seed}`).toBeUndefined();
      }
    },
    TIMEOUT_MS,
  );
});
