import { expect, it } from "vitest";
import { encodeBase64 } from "../../../../../actors/api-server/core/machinery/base64.ts";
import { pemBlocks } from "../../../../../actors/api-server/core/machinery/pem.ts";

const begin = (type: string): string => `-----BEGIN ${type}-----\n`;
const end = (type: string): string => `-----END ${type}-----\n`;
const block = (type: string, body = "AQID\n"): string => begin(type) + body + end(type);
const found = (text: string): unknown => pemBlocks(text).map(({ type, headers, bytes }) => [type, headers, ...bytes]);

it.each<[string, string, unknown]>([
  [
    "blocks among other text",
    `x\n${block("A")}y\n${block("B B", "BA==\n")}`,
    [
      ["A", false, 1, 2, 3],
      ["B B", false, 4],
    ],
  ],
  ["lines that end as Windows' do", block("A").replaceAll("\n", "\r\n"), [["A", false, 1, 2, 3]]],
  ["an end on the last line of the body", "-----BEGIN A-----\nAQID-----END A-----", [["A", false, 1, 2, 3]]],
  ["headers", block("A", "Proc-Type: 4\nX:\n\nAQID\n"), [["A", true, 1, 2, 3]]],
  ["a block behind one that has no end", begin("A") + block("B"), [["B", false, 1, 2, 3]]],
  ["nothing between different names", begin("A") + end("B"), []],
  ["nothing that is not base64", block("A", "A\n") + block("A", begin("A")), []],
  ["an empty block", block("A", ""), [["A", false]]],
  ["nothing without a line of its own", `x${block("A")}`, []],
])("finds %s", (_what, text, wanted) => expect(found(text)).toEqual(wanted));

it("takes time that grows with the text", () => {
  const many = 100_000;
  expect(pemBlocks(begin("A").repeat(many))).toEqual([]);
  expect(pemBlocks((begin("A") + end("B")).repeat(many))).toEqual([]);
  expect(pemBlocks(begin("A") + "-----END ".repeat(many))).toEqual([]);
  expect(found(block("A", "a: b\n".repeat(many)))).toEqual([["A", true]]);
  const bytes = new Uint8Array(1_000_000).map((_, i) => i * 7);
  const [whole] = pemBlocks(block("A", `${encodeBase64(bytes)}\n`));
  expect(Buffer.compare(whole?.bytes ?? new Uint8Array(), bytes)).toBe(0);
});
