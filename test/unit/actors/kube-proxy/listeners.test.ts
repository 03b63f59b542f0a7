import { expect, it } from "vitest";
import type { WantedListener } from "../../../../actors/kube-proxy/core/listener-table.ts";
import { Listeners } from "../../../../actors/kube-proxy/listeners.ts";
import type { KubeProxyOptions } from "../../../../actors/kube-proxy/spec.ts";
import type { Context } from "../../../../runtime/actor.ts";

const WEB: WantedListener = { host: "127.96.0.7", port: 80, kind: "cluster", servicePort: "shop/web:80" };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A network whose listeners open and close when the test says so. */
function bench() {
  const steps: { readonly what: "listen" | "close"; readonly done: () => void }[] = [];
  const step = (what: "listen" | "close"): Promise<void> =>
    new Promise((resolve) => steps.push({ what, done: () => resolve() }));
  const net = {
    listen: async (address: { readonly host: string; readonly port: number }) => {
      await step("listen");
      return { address, close: () => step("close") };
    },
  };
  const spawn = (work: () => Promise<void>): void => void work();
  const ctx = { net, spawn } as unknown as Context<KubeProxyOptions>;
  const listeners = new Listeners(ctx, { onConnection: () => undefined, onBound: () => undefined });
  const next = async (): Promise<string | undefined> => {
    const first = steps.shift();
    first?.done();
    await turn();
    return first?.what;
  };
  return { listeners, next };
}

it.each([
  ["one that is open", true],
  ["one that is about to open", false],
])("a stop waits until %s is closed", async (_what, isOpen) => {
  const { listeners, next } = bench();
  listeners.want([WEB]);
  await turn();
  if (isOpen) expect(await next()).toBe("listen");
  let isStopped = false;
  const stopping = listeners.stop().then(() => (isStopped = true));
  await turn();
  if (!isOpen) expect(await next()).toBe("listen");
  expect(isStopped).toBe(false);
  expect(await next()).toBe("close");
  expect(isStopped).toBe(true);
  await stopping;
  expect(await next()).toBeUndefined();
});
