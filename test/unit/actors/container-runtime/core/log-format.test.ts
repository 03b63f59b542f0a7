import fc from "fast-check";
import { expect, it } from "vitest";
import {
  LINE_BYTES_MAX,
  LineCutter,
  concat,
  parseLog,
  renderLog,
} from "../../../../../actors/container-runtime/core/log-format.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

it("writes the CRI's lines", () => {
  const cutter = new LineCutter("stderr");
  const lines = cutter.push(bytes("one\ntw"), NOW_MS);
  expect(lines.map(text)).toEqual(["2026-01-02T03:04:05.678000000Z stderr F one\n"]);
  expect(cutter.push(bytes("o\n\n"), NOW_MS).map(text)).toEqual([
    "2026-01-02T03:04:05.678000000Z stderr F two\n",
    "2026-01-02T03:04:05.678000000Z stderr F \n",
  ]);
  expect(cutter.push(bytes("rest"), NOW_MS)).toEqual([]);
  expect(cutter.end(NOW_MS).map(text)).toEqual(["2026-01-02T03:04:05.678000000Z stderr P rest\n"]);
});

it("cuts long lines into pieces and joins them again", () => {
  const long = "x".repeat(2 * LINE_BYTES_MAX + 10);
  const lines = new LineCutter("stdout").push(bytes(`${long}\n`), NOW_MS);
  expect(lines.map((line) => text(line).slice(31, 40))).toEqual(["stdout P ", "stdout P ", "stdout F "]);
  expect(text(renderLog(parseLog(concat(lines)), { tailLines: 1 }))).toBe(`${long}\n`);
});

it("gives back what was written, however it came in pieces", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 20, unit: fc.constantFrom("a", "é", "\n", " ", "😀") }), { maxLength: 20 }),
      (pieces) => {
        const cutter = new LineCutter("stdout");
        const lines = pieces.flatMap((piece) => [...cutter.push(bytes(piece), NOW_MS)]);
        const all = concat([...lines, ...cutter.end(NOW_MS)]);
        const whole = pieces.join("");
        expect(text(renderLog(parseLog(all), {}))).toBe(whole);
      },
    ),
  );
});

it("selects by the number of lines, by time and by size, and leaves out a line cut by a crash", () => {
  const cutter = new LineCutter("stdout");
  const lines = ["one\n", "two\n", "three\n"].flatMap((line, index) => [
    ...cutter.push(bytes(line), NOW_MS + index * 1_000),
  ]);
  const log = parseLog(concat([...lines, bytes("2026-01-02T03:04:0")]));
  expect(text(renderLog(log, { tailLines: 2 }))).toBe("two\nthree\n");
  expect(text(renderLog(log, { tailLines: 0 }))).toBe("");
  expect(text(renderLog(log, { sinceMs: NOW_MS + 1_500 }))).toBe("three\n");
  expect(text(renderLog(log, { limitBytes: 5 }))).toBe("one\nt");
  expect(text(renderLog(log, { tailLines: 1, timestamps: true }))).toBe("2026-01-02T03:04:07.678000000Z three\n");
});
