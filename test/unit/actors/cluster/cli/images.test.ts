import { describe, expect, it } from "vitest";
import { parseImages } from "../../../../../actors/cluster/cli/images.ts";

describe("--image", () => {
  it("takes a JavaScript file as a module, and anything else as a command", () => {
    expect(parseImages(["web:1=test/examples/shop/web.js", "job:1=node -e 0", "tool=true"])).toEqual({
      "web:1": { module: "test/examples/shop/web.js" },
      "job:1": { command: ["node", "-e", "0"] },
      tool: { command: ["true"] },
    });
  });

  it.each(["web", "=x", "web="])("refuses %j", (pair) => {
    expect(() => parseImages([pair])).toThrow(/--image/);
  });
});
