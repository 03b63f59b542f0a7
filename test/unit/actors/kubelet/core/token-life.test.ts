/** When a pod's tokens are fetched anew. Source: `pkg/kubelet/token/token_manager.go`. */
import { describe, expect, it } from "vitest";
import { heldToken, wishesOf } from "../../../../../actors/kubelet/core/token-life.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const HOUR_SECONDS = 3_600;
const DAY_MS = 24 * 3_600_000;

describe("a token", () => {
  it.each([
    ["after four fifths of an hour", HOUR_SECONDS, 0.8 * HOUR_SECONDS * 1_000],
    ["after a day, however long it lives", 365 * 24 * HOUR_SECONDS, DAY_MS],
  ])("is fetched anew %s, and some seconds earlier", (_when, lifeSeconds, renewedAfterMs) => {
    const madeMs = 1_000_000;
    const held = heldToken("t", lifeSeconds, madeMs + lifeSeconds * 1_000, 3_000);
    expect(held).toEqual({
      token: "t",
      expiresMs: madeMs + lifeSeconds * 1_000,
      renewMs: madeMs + renewedAfterMs - 3_000,
    });
  });

  it("is asked for once, though several volumes want it, and for an hour where none says how long", () => {
    const volume = (...sources: readonly object[]): object => ({ name: "v", projected: { sources } });
    const of = (more: object): object => ({ serviceAccountToken: { path: "token", ...more } });
    const volumes = [
      volume(of({ expirationSeconds: 3_607 }), { configMap: { name: "a" } }),
      volume(of({ expirationSeconds: 3_607 }), of({ audience: "vault" })),
      { name: "e", emptyDir: {} },
    ];
    expect(wishesOf({ spec: { volumes } } as unknown as Pod)).toEqual([
      { audience: "", expirationSeconds: 3_607 },
      { audience: "vault", expirationSeconds: HOUR_SECONDS },
    ]);
  });
});
