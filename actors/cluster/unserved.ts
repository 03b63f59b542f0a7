/** When nobody serves the API any more, and nobody will by themselves. */
import { InkubeError } from "../../protocols/errors.ts";
import type { ChildStatus } from "../../runtime/supervisor/core/supervisor-core.ts";

/**
 * Why there is nothing to wait for, by what the supervisor says of its tree, parents first; undefined while a master runs or
 * will be started again. A master that was taken out comes back only when it is asked for. Gives: NO_MASTER.
 */
export function unserved([root, ...others]: readonly ChildStatus[]): InkubeError | undefined {
  const masters = others.filter(({ name }) => /^master-\d+$/.test(name));
  if (masters.some(({ state }) => state !== "ended")) return undefined;
  if (root?.state === "ended")
    return new InkubeError(
      "NO_MASTER",
      "the cluster has ended, as what it started again failed too often; start another",
    );
  const remedy = masters.map(({ name }) => `cluster.restore("${name}")`).join(", ");
  return new InkubeError("NO_MASTER", `every master was killed, so nobody serves the API; bring one back: ${remedy}`);
}
