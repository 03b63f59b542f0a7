/** Lists that are written item by item are what they would be in one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Writing } from "../../../../../actors/api-server/core/machinery/list-text.ts";
import { listBytes } from "../../../../../actors/api-server/core/machinery/list-text.ts";
import { toYaml } from "../../../../../actors/api-server/core/machinery/yaml-text.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

const WHOLE: Readonly<Record<Writing, (list: object) => string>> = {
  json: (list) => JSON.stringify(list),
  pretty: (list) => JSON.stringify(list, null, 2),
  yaml: toYaml,
};

const strings = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a\nb", "\u2028", "- a", "é".repeat(30_000)));
const value = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(strings, fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(strings, tie("tree"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).tree;
const item = fc.dictionary(strings, value, { maxKeys: 4, noNullPrototype: true });

it.each(["json", "pretty", "yaml"] as const)("a list as %s is the text of the whole, whatever is in it", (writing) => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 6 }), fc.constantFrom("items", "rows"), (items, field) => {
      const head = { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "9" } };
      const bytes = finished(listBytes({ head, field, items }, writing));
      expect(new TextDecoder("utf8", { ignoreBOM: true }).decode(bytes)).toBe(
        WHOLE[writing]({ ...head, [field]: items }),
      );
    }),
  );
});

it("an item is made when its turn comes, and none after those who wait have gone", () => {
  let made = 0;
  const items = (function* () {
    for (let i = 0; i < 1_000; i++) yield { i: made++ };
  })();
  const work = listBytes({ head: { kind: "List" }, field: "items", items }, "json");
  for (let piece = 0; piece < 10; piece++) expect(work.next().done).toBe(false);
  expect(made).toBe(10);
  work.return(new Uint8Array());
  expect([...items]).toEqual([]);
});
