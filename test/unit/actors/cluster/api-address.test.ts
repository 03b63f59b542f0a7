import { describe, expect, it } from "vitest";
import { ApiAddress } from "../../../../actors/cluster/api-address.ts";
import type { ApiServerMethods } from "../../../../protocols/api-server.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Consumer, Context, Ref } from "../../../../runtime/actor.ts";

/** A server that is told by the test how it stands, and that listens only where `refusals` is used up. */
class FakeServer {
  readonly name: string;
  refusals = 0;
  readonly asked: string[] = [];
  /** How often it was asked how it stands, and how many of these are still of interest. */
  followed = 0;
  following = 0;
  private consumer: Consumer<{ readonly ready: boolean }> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  tell(ready: boolean): void {
    void this.consumer?.next({ ready });
  }

  /** The stream of what it tells breaks. */
  break(): void {
    this.consumer?.end(undefined);
  }

  ref(): Ref<ApiServerMethods> {
    return {
      name: this.name,
      call: (method: string) => {
        this.asked.push(method);
        // An address that moves for ever would let nothing else happen here.
        if (this.asked.length > 1_000) return new Promise(() => undefined);
        if (method !== "serve" || this.refusals-- <= 0) return Promise.resolve({ port: 6_443 });
        return Promise.reject(new InkubeError("ADDRESS_IN_USE", "in use", { retryable: true }));
      },
      stream: (_method: string, _request: null, consumer: Consumer<{ readonly ready: boolean }>) => {
        this.consumer = consumer;
        this.followed++;
        this.following++;
        return { cancel: () => void this.following-- };
      },
    } as unknown as Ref<ApiServerMethods>;
  }
}

/** Time that passes by itself, as fast as it is slept. */
function fakeContext(): {
  readonly ctx: Pick<Context<unknown>, "clock" | "log">;
  readonly errors: object[];
  /** What is to be done after a time. */
  readonly later: (() => void)[];
} {
  let nowMs = 0;
  const errors: object[] = [];
  const later: (() => void)[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (_text: string, about: object) => errors.push(about),
  };
  const clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (delayMs: number) => void (nowMs += delayMs),
    after: (_delayMs: number, action: () => void) => {
      later.push(action);
      return { cancel: () => undefined };
    },
    every: () => ({ cancel: () => undefined }),
  };
  return { ctx: { clock, log } as unknown as Pick<Context<unknown>, "clock" | "log">, errors, later };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) await Promise.resolve();
}

describe("the address of the API", () => {
  it("is tried for as long as it takes, and it is told when that is unusual", async () => {
    const [first, second] = [new FakeServer("a"), new FakeServer("b")];
    const { ctx, errors } = fakeContext();
    const address = new ApiAddress([first.ref(), second.ref()], 6_443, ctx, false);
    for (const { name } of [first, second]) address.serverUp(name);
    await address.open();
    second.refusals = 100;
    address.serverDown("a");
    await settled();
    expect(address.servers).toEqual(["b"]);
    expect(errors).toEqual([{ address: "https://127.0.0.1:6443", code: "ADDRESS_IN_USE", message: "in use" }]);
  });

  it("does not move from a server that has not told how it stands", async () => {
    const [first, second] = [new FakeServer("a"), new FakeServer("b")];
    const address = new ApiAddress([first.ref(), second.ref()], 6_443, fakeContext().ctx, false);
    for (const { name } of [first, second]) address.serverUp(name);
    await address.open();
    second.tell(true);
    await settled();
    expect(address.servers).toEqual(["a"]);
    first.tell(false);
    await settled();
    expect(address.servers).toEqual(["b"]);
    expect(first.asked).toEqual(["serve", "withdraw"]);
    first.tell(true);
    await settled();
    expect(address.servers).toEqual(["b"]);
  });

  it("goes first to a server that is ready, and to any that is up where none is", async () => {
    const [first, second] = [new FakeServer("a"), new FakeServer("b")];
    const { ctx } = fakeContext();
    const address = new ApiAddress([first.ref(), second.ref()], 0, ctx, false);
    await expect(address.open()).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    for (const { name } of [first, second]) address.serverUp(name);
    second.tell(true);
    await address.open();
    expect(address.servers).toEqual(["b"]);
    address.serverDown("b");
    await settled();
    expect(address.servers).toEqual(["a"]);
  });

  it("where the port is shared, is every ready server's, and stays with the last ones when none is ready", async () => {
    const servers = [new FakeServer("a"), new FakeServer("b"), new FakeServer("c")];
    const [first, second, third] = servers as [FakeServer, FakeServer, FakeServer];
    const address = new ApiAddress(
      servers.map((server) => server.ref()),
      0,
      fakeContext().ctx,
      true,
    );
    for (const { name } of servers) address.serverUp(name);
    await address.open();
    second.tell(true);
    third.tell(false);
    await settled();
    expect(address.servers).toEqual(["a", "b"]);
    first.tell(false);
    await settled();
    expect(address.servers).toEqual(["b"]);
    second.tell(false);
    await settled();
    expect(address.servers).toEqual(["b"]);
    third.tell(true);
    await settled();
    expect(address.servers).toEqual(["c"]);
  });

  it("asks a server again how it stands when the answer breaks off, and the former life of none", async () => {
    const server = new FakeServer("a");
    const { ctx, later } = fakeContext();
    const address = new ApiAddress([server.ref()], 0, ctx, false);
    address.serverUp("a");
    server.break();
    for (const action of later.splice(0)) action();
    expect(server.followed).toBe(2);
    const { following } = server;
    // Its end was not told before it was up again.
    address.serverUp("a");
    expect([server.followed, server.following]).toEqual([3, following]);
    server.break();
    address.close();
    for (const action of later.splice(0)) action();
    expect(server.followed).toBe(3);
  });
});
