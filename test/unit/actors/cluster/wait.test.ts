import { expect, it } from "vitest";
import { answerOf, checkWait } from "../../../../actors/cluster/wait.ts";

it.each([
  ["pod", "Ready", {}, '"resource/name", not "pod"'],
  ["pod/a/b", "Ready", {}, '"resource/name"'],
  [null, "Ready", {}, '"resource/name", not null'],
  ["pod/a", null, {}, "a condition's name or a function, not null"],
  ["pod/a", "", {}, "a condition's name"],
  ["pod/a", "Ready", { timeoutMs: -1 }, "timeoutMs as a number from 0, not -1"],
  ["pod/a", "Ready", { timeoutMs: "5" }, 'not "5"'],
  ["pod/a", "Ready", { timeout: 5 }, "timeoutMs and namespace, not timeout"],
  ["pod/a", "Ready", { namespace: 5 }, "namespace as a string"],
])("refuses to wait for %j to be %j with %j", (target, condition, options, message) => {
  expect(() => checkWait(target as string, condition, options as object)).toThrow(message);
  expect(() => checkWait(target as string, condition, options as object)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT" }),
  );
});

it("takes a resource and a name", () => {
  expect(checkWait("deploy/web", () => true, { timeoutMs: 0 })).toEqual({ word: "deploy", name: "web" });
});

it("takes no promise for an answer, as it would always be true", () => {
  expect(answerOf(true)).toBe(true);
  expect(answerOf(undefined)).toBe(false);
  expect(() => answerOf(Promise.resolve(false))).toThrow("at once");
});
