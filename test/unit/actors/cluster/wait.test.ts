import { describe, expect, it } from "vitest";
import type { Look, Wait } from "../../../../actors/cluster/wait.ts";
import { answerOf, checkWait, metInTime, waitForObject } from "../../../../actors/cluster/wait.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { KubernetesObject } from "../../../../protocols/api-server.ts";

/** A wait whose informer and clock the test drives. */
class World {
  readonly listeners: Set<(why: InkubeError) => void> = new Set();
  /** Why it was over before anybody waited. */
  over: InkubeError | undefined;
  object: KubernetesObject | undefined;
  synced = false;
  stopped = 0;
  cancelled = 0;
  change = (): void => undefined;
  timeUp = (): void => undefined;
  private listed = (): void => undefined;

  list(): void {
    this.synced = true;
    this.listed();
  }

  start(over: Partial<Wait>): Promise<KubernetesObject | undefined> {
    return waitForObject({
      ...this.parts(),
      name: "web",
      namespace: "default",
      isMet: (object: unknown) => object === undefined,
      explain: async (object: unknown) => (object === undefined ? "it is not there" : "it is there"),
      what: "pod/web to be gone",
      ...over,
    } as unknown as Wait);
  }

  meet(isMet: Look<KubernetesObject>["isMet"]): Promise<boolean> {
    return metInTime({ ...this.parts(), isMet } as unknown as Look<KubernetesObject>);
  }

  private parts(): object {
    const isSynced = (): boolean => this.synced;
    const informer = {
      get synced() {
        return isSynced();
      },
      get: () => this.object,
      list: () => (this.object === undefined ? [] : [this.object]),
      onChange: (listener: () => void) => (this.change = listener),
      start: () => undefined,
      stop: () => this.stopped++,
      whenSynced: () => new Promise<void>((resolve) => (this.listed = resolve)),
    };
    const clock = {
      after: (_ms: number, action: () => void) => {
        this.timeUp = action;
        return { cancel: () => this.cancelled++ };
      },
    };
    const whenOver: Wait["whenOver"] = (tell) => {
      this.listeners.add(tell);
      if (this.over !== undefined) tell(this.over);
      return () => void this.listeners.delete(tell);
    };
    return { informer, clock, whenOver, timeoutMs: 100 };
  }
}

it("does not take what is not listed yet for what is not there", async () => {
  const world = new World();
  let over = false;
  const wait = world.start({}).then(() => (over = true));
  world.change();
  await new Promise(setImmediate);
  expect(over).toBe(false);
  world.object = {};
  world.list();
  await new Promise(setImmediate);
  expect(over).toBe(false);
  world.object = undefined;
  world.change();
  await wait;
  expect([world.stopped, world.cancelled]).toEqual([1, 1]);
});

it("ends with why it is not so when the time is up, and watches no longer", async () => {
  const listed = new World();
  listed.object = {};
  const wait = listed.start({});
  listed.list();
  listed.timeUp();
  await expect(wait).rejects.toMatchObject({
    code: "WAIT_TIMEOUT",
    message: "waited 100 ms for pod/web to be gone; it is there",
  });
  expect(listed.stopped).toBe(1);
  const silent = new World();
  const unanswered = silent.start({});
  silent.timeUp();
  await expect(unanswered).rejects.toThrow("no API server answered");
});

it("ends with what its condition throws", async () => {
  const world = new World();
  const wait = world.start({
    isMet: () => {
      throw new Error("no such field");
    },
  });
  world.list();
  await expect(wait).rejects.toThrow("no such field");
  expect([world.stopped, world.cancelled, world.listeners.size]).toEqual([1, 1, 0]);
});

it.each(["before", "meanwhile"])("ends with why when nobody will answer any more: %s", async (when) => {
  const world = new World();
  const why = new InkubeError("NO_MASTER", "every master was killed");
  if (when === "before") world.over = why;
  const wait = world.start({});
  if (when === "meanwhile") for (const tell of world.listeners) tell(why);
  await expect(wait).rejects.toMatchObject({
    code: "NO_MASTER",
    message: "waited for pod/web to be gone, but every master was killed",
  });
  expect([world.stopped, world.cancelled, world.listeners.size]).toEqual([1, 1, 0]);
});

describe("a wait for all objects of a kind", () => {
  it("looks anew at each change, one look at a time, and misses none that comes while it looks", async () => {
    const world = new World();
    let looks = 0;
    const met = world.meet(async () => {
      if (++looks === 1) world.change();
      return looks === 2;
    });
    world.list();
    expect(await met).toBe(true);
    expect([looks, world.stopped, world.cancelled, world.listeners.size]).toEqual([2, 1, 1, 0]);
  });

  it("ends when the time is up, when its look fails, and with why nobody will answer any more", async () => {
    const late = new World();
    const unmet = late.meet(() => false);
    late.list();
    late.timeUp();
    expect(await unmet).toBe(false);
    const failing = new World();
    const failed = failing.meet(() => Promise.reject(new Error("no such pod")));
    failing.list();
    await expect(failed).rejects.toThrow("no such pod");
    const silent = new World();
    const unanswered = silent.meet(() => true);
    for (const tell of silent.listeners) tell(new InkubeError("NO_MASTER", "every master was killed"));
    await expect(unanswered).rejects.toMatchObject({ code: "NO_MASTER" });
    for (const world of [late, failing, silent])
      expect([world.stopped, world.cancelled, world.listeners.size]).toEqual([1, 1, 0]);
  });
});

it.each([
  ["pod", "Ready", {}, '"resource/name", not "pod"'],
  ["pod/a/b", "Ready", {}, '"resource/name"'],
  [null, "Ready", {}, '"resource/name", not null'],
  ["pod/a", null, {}, "a condition's name or a function, not null"],
  ["pod/a", "", {}, "a condition's name"],
  ["pod/a", "Ready", { timeoutMs: -1 }, "timeoutMs as a number from 0, not -1"],
  ["pod/a", "Ready", { timeoutMs: "5" }, 'not "5"'],
  ["pod/a", "Ready", { timeout: 5 }, "timeoutMs and namespace, not timeout"],
  ["pod/a", "Ready", { namespace: 5 }, "namespace as a string"],
])("refuses to wait for %j to be %j with %j", (target, condition, options, message) => {
  expect(() => checkWait(target as string, condition, options as object)).toThrow(message);
  expect(() => checkWait(target as string, condition, options as object)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT" }),
  );
});

it("takes a resource and a name", () => {
  expect(checkWait("deploy/web", () => true, { timeoutMs: 0 })).toEqual({ word: "deploy", name: "web" });
});

it("takes no promise for an answer, as it would always be true", () => {
  expect(answerOf(true)).toBe(true);
  expect(answerOf(undefined)).toBe(false);
  expect(() => answerOf(Promise.resolve(false))).toThrow("at once");
});
