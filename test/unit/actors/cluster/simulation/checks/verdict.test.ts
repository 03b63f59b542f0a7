import { expect, it } from "vitest";
import { verdictOf } from "../../../../../../actors/cluster/simulation/checks/verdict.ts";
import { InkubeError } from "../../../../../../protocols/errors.ts";

const crash = (actor: string): { readonly actor: string; readonly atMs: number; readonly error: Error } => ({
  actor,
  atMs: 1_500,
  error: new Error("no such lease"),
});
const notConverged = new InkubeError("NOT_CONVERGED", "members hold the same data");

it("tells the crash first, and what it has led to after it", () => {
  const lines = verdictOf([crash("etcd-1"), crash("etcd-1"), crash("etcd-2")], notConverged)!.split("\n");
  expect(lines[0]).toBe("etcd-1 broke an invariant at 1.500 s: Error: no such lease");
  expect(lines.at(-2)).toBe("then 2 more: etcd-1, etcd-2");
  expect(lines.at(-1)).toBe("then NOT_CONVERGED: members hold the same data");
});

it("fails a run for a crash alone, and for what was thrown alone", () => {
  expect(verdictOf([crash("etcd-1")], undefined)).toContain("etcd-1 broke an invariant");
  expect(verdictOf([], notConverged)).toBe("NOT_CONVERGED: members hold the same data");
  expect(verdictOf([], undefined)).toBeUndefined();
});
