import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const dist = fileURLToPath(new URL("../../../dist/", import.meta.url));
const built = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => /\.c?js$/.test(file));

it("has nothing but ASCII, of which V8 keeps one byte a character on each thread: what is built", () => {
  expect(built).toContain("actors/api-server.cjs");
  expect(built.filter((file) => readFileSync(dist + file).some((byte) => byte > 0x7f))).toEqual([]);
});
