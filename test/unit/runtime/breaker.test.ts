import { describe, expect, it } from "vitest";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Admission } from "../../../runtime/breaker.ts";
import { Breaker } from "../../../runtime/breaker.ts";

function admitted(breaker: Breaker, nowMs: number): Admission {
  const admission = breaker.admit(nowMs);
  if (admission === undefined) throw new Error("the call was not admitted");
  return admission;
}
const failure = (code: string): InkubeError => new InkubeError(code, code);

describe("a circuit breaker", () => {
  it("opens after so many failures in a row, and not when an answer comes between", () => {
    const breaker = new Breaker({ failuresMax: 3, openMs: 100 });
    for (const error of [
      failure("ACTOR_DOWN"),
      failure("MAILBOX_FULL"),
      undefined,
      failure("ACTOR_DOWN"),
      failure("DEADLINE_EXCEEDED"),
    ]) {
      breaker.ended(admitted(breaker, 0), error, 0);
    }
    breaker.ended(admitted(breaker, 0), failure("ACTOR_DOWN"), 10);
    expect(breaker.admit(109)).toBeUndefined();
  });

  it("takes an actor's own refusal for an answer, and a caller's giving up for nothing", () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 100 });
    const [first, second, third] = [admitted(breaker, 0), admitted(breaker, 0), admitted(breaker, 0)];
    breaker.ended(first, failure("NOT_FOUND"), 0);
    expect(breaker.admit(0)).toBeDefined();
    breaker.ended(second, failure("ACTOR_DOWN"), 0);
    breaker.ended(third, failure("CANCELLED"), 0);
    expect(breaker.admit(50)).toBeUndefined();
  });

  it("lets one call through after its time, and closes with its answer or opens again with its failure", () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 100 });
    breaker.ended(admitted(breaker, 0), failure("ACTOR_DOWN"), 0);
    const trial = admitted(breaker, 100);
    expect(breaker.admit(100)).toBeUndefined();
    breaker.ended(trial, failure("ACTOR_DOWN"), 120);
    expect(breaker.admit(219)).toBeUndefined();
    const next = admitted(breaker, 220);
    expect(breaker.admit(220)).toBeUndefined();
    breaker.ended(next, undefined, 230);
    expect([breaker.admit(230), breaker.admit(230)]).toEqual([{ trial: false }, { trial: false }]);
  });

  it("has one trial at a time, also when a call from before it opened ends meanwhile", () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 100 });
    const [failing, slow] = [admitted(breaker, 0), admitted(breaker, 0)];
    breaker.ended(failing, failure("ACTOR_DOWN"), 0);
    admitted(breaker, 100);
    breaker.ended(slow, failure("CANCELLED"), 110);
    expect(breaker.admit(110)).toBeUndefined();
  });
});
