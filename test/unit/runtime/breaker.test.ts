import { describe, expect, it } from "vitest";
import { InkubeError } from "../../../protocols/errors.ts";
import { Breaker } from "../../../runtime/breaker.ts";

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
      expect(breaker.admits(0)).toBe(true);
      breaker.ended(error, 0);
    }
    expect(breaker.admits(0)).toBe(true);
    breaker.ended(failure("ACTOR_DOWN"), 10);
    expect(breaker.admits(109)).toBe(false);
  });

  it("takes an actor's own refusal for an answer, and a caller's giving up for nothing", () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 100 });
    breaker.ended(failure("NOT_FOUND"), 0);
    expect(breaker.admits(0)).toBe(true);
    breaker.ended(failure("ACTOR_DOWN"), 0);
    breaker.ended(failure("CANCELLED"), 0);
    expect(breaker.admits(50)).toBe(false);
  });

  it("lets one call through after its time, and closes with its answer or opens again with its failure", () => {
    const breaker = new Breaker({ failuresMax: 1, openMs: 100 });
    breaker.ended(failure("ACTOR_DOWN"), 0);
    expect([breaker.admits(100), breaker.admits(100)]).toEqual([true, false]);
    breaker.ended(failure("ACTOR_DOWN"), 120);
    expect([breaker.admits(219), breaker.admits(220), breaker.admits(220)]).toEqual([false, true, false]);
    breaker.ended(undefined, 230);
    expect([breaker.admits(230), breaker.admits(230)]).toEqual([true, true]);
  });
});
