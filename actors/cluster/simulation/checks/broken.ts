/** What a check throws: something that the cluster promises does not hold. */
import { InkubeError } from "../../../../protocols/errors.ts";

export const PROMISE_BROKEN = "PROMISE_BROKEN";

export function broken(what: string): InkubeError {
  return new InkubeError(PROMISE_BROKEN, what);
}
