import { describe, expect, it } from "vitest";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Consumer, Context } from "../../../runtime/actor.ts";
import { resumable } from "../../../runtime/resumable.ts";
import { mailboxProtocol } from "../../fixtures/actors/mailbox-protocol.ts";

type Item = { readonly value: number };

/** A producer whose openings end as they are told, and a clock that only notes how long it was to wait. */
function producer(openings: readonly { readonly items: readonly number[]; readonly code: string }[]) {
  const asked: number[] = [];
  const waits: number[] = [];
  const due: (() => void)[] = [];
  const context = {
    random: { next: () => 0.5 },
    clock: {
      after: (delayMs: number, action: () => void) => {
        waits.push(delayMs);
        due.push(action);
        return { cancel: () => void due.splice(due.indexOf(action), 1) };
      },
    },
    ref: () => ({
      stream: (_method: string, request: { readonly after: number }, consumer: Consumer<Item>) => {
        const { items, code } = openings[Math.min(asked.length, openings.length - 1)]!;
        asked.push(request.after);
        for (const value of items) void consumer.next({ value });
        due.push(() => consumer.end(new InkubeError(code, code)));
        return { cancel: () => undefined };
      },
    }),
  } as unknown as Pick<Context, "ref" | "clock" | "random">;
  const ended: (string | undefined)[] = [];
  const read: number[] = [];
  const subscription = resumable(
    context,
    { protocol: mailboxProtocol, actor: "box", method: "numbers" },
    { after: 0, to: 100 },
    {
      next: ({ value }) => void read.push(value),
      end: (error) => ended.push((error as InkubeError | undefined)?.code),
    },
    { firstDelayMs: 10, delayMsMax: 60, attemptsMax: 5 },
  );
  const run = (): void => {
    for (let action = due.shift(); action !== undefined; action = due.shift()) action();
  };
  return { asked, waits, ended, read, subscription, run };
}

describe("a resumed stream", () => {
  it("is given up when all attempts in a row brought nothing, with ever longer waits between them", () => {
    const { asked, waits, ended, run } = producer([{ items: [], code: "ACTOR_DOWN" }]);
    run();
    expect(asked).toEqual([0, 0, 0, 0, 0]);
    expect(waits).toEqual([20, 40, 60, 60]);
    expect(ended).toEqual(["ACTOR_DOWN"]);
  });

  it("counts its attempts anew with each item, and asks for what comes after the last one", () => {
    const down = { items: [], code: "ACTOR_DOWN" };
    const { asked, ended, read, run } = producer([down, down, { items: [1, 2], code: "STREAM_OVERRUN" }, down]);
    run();
    expect(read).toEqual([1, 2]);
    expect(asked).toEqual([0, 0, 0, 2, 2, 2, 2, 2]);
    expect(ended).toEqual(["ACTOR_DOWN"]);
  });

  it("is not asked for again after an error that asking again can't mend", () => {
    const { asked, ended, run } = producer([{ items: [7], code: "INVALID_ARGUMENT" }]);
    run();
    expect(asked).toEqual([0]);
    expect(ended).toEqual(["INVALID_ARGUMENT"]);
  });

  it("is not asked for again once it is canceled", () => {
    const { asked, ended, subscription, run } = producer([{ items: [], code: "ACTOR_DOWN" }]);
    subscription.cancel();
    run();
    expect(asked).toEqual([0]);
    expect(ended).toEqual([]);
  });
});
