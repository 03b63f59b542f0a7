import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { locateImages } from "../../../../../actors/cluster/io/images.ts";

const MODULE = "test/examples/shop/web.js";

it("finds modules from the current directory, by path and by URL", () => {
  for (const module of [MODULE, resolve(MODULE), String(pathToFileURL(MODULE))])
    expect(locateImages({ web: { module } })).toEqual({ web: { module: resolve(MODULE) } });
});

it("runs a command in the current directory, or where it says", () => {
  expect(locateImages({ a: { command: ["x"] }, b: { command: ["x"], workingDir: "test" } })).toEqual({
    a: { command: ["x"], workingDir: process.cwd() },
    b: { command: ["x"], workingDir: resolve("test") },
  });
});

it.each([
  [{ module: "./none.js" }, "there is no module ./none.js"],
  [{ module: "test" }, "there is no module test"],
  [{ command: ["x"], workingDir: "/none" }, "there is no directory /none to run in"],
])("refuses %j before anything is started", (image, message) => {
  expect(() => locateImages({ a: image })).toThrow(`images["a"]: ${message}`);
});
