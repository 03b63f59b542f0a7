import { describe, expect, it } from "vitest";
import { History } from "../../../../../actors/cluster/cli/history.ts";

const AT_MS = Date.parse("2026-01-01T12:00:00Z");

describe("the history of actors", () => {
  it("tells that one is down, why, and how soon it is up again", () => {
    const history = new History();
    expect(history.tell({ type: "up", name: "etcd-0" }, AT_MS)).toBeUndefined();
    expect(history.tell({ type: "down", name: "etcd-0", reason: "killed" }, AT_MS)).toBe(
      "12:00:00 etcd-0 is down (killed)",
    );
    expect(history.tell({ type: "restart", name: "etcd-0", inARow: 1, delayMs: 0 }, AT_MS)).toBeUndefined();
    expect(history.tell({ type: "up", name: "etcd-0" }, AT_MS + 31)).toBe("12:00:00 etcd-0 is up again after 31 ms");
  });

  it("says nothing of an ordinary stop", () => {
    const explained = new History(() => "EIO: i/o error, fdatasync '/d/0.wal'\n    at somewhere");
    expect(explained.tell({ type: "down", name: "etcd-0", reason: "throw" }, AT_MS)).toBe(
      "12:00:00 etcd-0 is down (throw): EIO: i/o error, fdatasync '/d/0.wal'",
    );
    expect(new History().tell({ type: "down", name: "etcd-0", reason: "normal" }, AT_MS)).toBeUndefined();
  });
});
