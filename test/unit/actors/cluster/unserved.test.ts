import { expect, it } from "vitest";
import { unserved } from "../../../../actors/cluster/unserved.ts";
import type { ChildState } from "../../../../runtime/supervisor/core/supervisor-core.ts";

const tree = (root: ChildState, ...masters: readonly ChildState[]): Parameters<typeof unserved>[0] =>
  [
    { name: "root", state: root },
    ...masters.map((state, index) => ({ name: `master-${index}`, state })),
    { name: "worker-0", state: "up" as const },
  ].map((status) => ({ restarts: 0, inARow: 0, ...status }));

it.each(["backoff", "starting", "up", "stopping"] as const)("waits for a master that is %s", (state) => {
  expect(unserved(tree("up", "ended", state))).toBeUndefined();
});

it("says whom to restore when every master was killed, and nothing of the kind when the whole cluster has ended", () => {
  expect(unserved(tree("up", "ended", "ended"))).toMatchObject({
    code: "NO_MASTER",
    message: expect.stringContaining('bring one back: cluster.restore("master-0"), cluster.restore("master-1")'),
  });
  expect(unserved(tree("ended", "ended"))).toMatchObject({
    code: "NO_MASTER",
    message: expect.stringMatching(/start another$/),
  });
});
