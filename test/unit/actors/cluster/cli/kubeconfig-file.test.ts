import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConnection } from "../../../../../actors/cluster/cli/kubeconfig-file.ts";
import { makeKubeconfig } from "../../../../../actors/cluster/kubeconfig.ts";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-test-kubeconfig-"))));
afterAll(() => rmSync(directory, { recursive: true }));

function written(content: string): string {
  const path = join(directory, "kubeconfig");
  writeFileSync(path, content);
  return path;
}

describe("a kubeconfig", () => {
  it("that a cluster writes says how to reach it", () => {
    const access = { server: "https://127.0.0.1:6443", authority: "the authority", token: "a token" };
    expect(readConnection(written(makeKubeconfig("demo", access)))).toEqual({
      ...access,
      certificate: undefined,
      key: undefined,
    });
  });

  it.each([
    ["", "no context"],
    ["just words", "no context"],
    ["current-context: a\ncontexts: [{name: a, context: {cluster: b}}]", 'no cluster "b"'],
    [makeKubeconfig("demo", { server: "http://127.0.0.1", authority: "", token: "" }), "no https server"],
    ["a: [", "no usable kubeconfig"],
  ])("that is broken is refused: %j", (content, why) => {
    expect(() => readConnection(written(content))).toThrow(why);
  });

  it("that is missing is named, with what to do", () => {
    expect(() => readConnection(join(directory, "none"))).toThrow(
      /none \(ENOENT\); start a cluster here with "inkube up"/,
    );
  });
});
