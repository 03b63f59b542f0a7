import { describe, expect, it } from "vitest";
import { traceCommand } from "../../../../../actors/cluster/cli/trace.ts";

describe("inkube trace why", () => {
  it.each([
    ["why", "pod/a", "--kubeconfig", "of-another-name"],
    ["--kubeconfig", "of-another-name", "why", "pod/a"],
  ])("reads the kubeconfig that is named, as in %s %s %s %s", async (...words) => {
    await expect(traceCommand().parseAsync(words, { from: "user" })).rejects.toThrow(/of-another-name/);
  });
});
