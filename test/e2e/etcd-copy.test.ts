/** What our etcd holds goes into a real one, and back, by etcd's own API. Left out where there is no etcd. */
import { tmpdir } from "node:os";
import { afterAll, describe, expect, it } from "vitest";
import type { EtcdMethods, KeyValue } from "../../protocols/etcd.ts";
import type { Ref } from "../../runtime/actor.ts";
import { GatewayEtcd } from "../fixtures/gateway-etcd.ts";
import { Program } from "../fixtures/program.ts";
import { hasEtcd, RealEtcd } from "../fixtures/real-etcd.ts";

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** More than a page, and more than a transaction may hold of it. */
const KEYS = 1_300;
const LARGE_BYTES = 1_200_000;

async function ours(): Promise<string> {
  const program = Program.inkube(["etcd", "--listen-client-urls", "http://127.0.0.1:0"], tmpdir());
  closers.push(() => {
    program.kill("SIGTERM");
    return program.exited;
  });
  return (await program.printed(/ready at (\S+)/, 60_000))[1]!;
}

async function clientOf(endpoint: string): Promise<Ref<EtcdMethods>> {
  const gateway = await GatewayEtcd.at(endpoint);
  closers.push(() => gateway.close());
  return gateway.ref("etcd-0");
}

async function allOf(etcd: Ref<EtcdMethods>): Promise<readonly KeyValue[]> {
  return (await etcd.call("range", { key: "\0", rangeEnd: "\0" }, { timeoutMs: 30_000 })).kvs;
}

const told = (kvs: readonly KeyValue[]): readonly string[] =>
  kvs.map(({ key, value }) => `${key} ${Buffer.from(value).toString("base64")}`);

describe.skipIf(!hasEtcd)("inkube etcd copy", () => {
  it("takes every key along with its value and its lease, there and back, and into no etcd that holds something", async () => {
    const [first, last] = [await ours(), await ours()];
    const real = await RealEtcd.start();
    closers.push(() => real.stop());
    const source = await clientOf(first);
    const { id } = await source.call("leaseGrant", { ttlSeconds: 600 });
    for (let number = 0; number < KEYS; number += 100) {
      const success = Array.from({ length: 100 }, (_, more) => ({
        put: { key: `/k/${String(number + more).padStart(5, "0")}`, value: Uint8Array.of(number & 255, 0, 255) },
      }));
      await source.call("txn", { compare: [], success, failure: [] });
    }
    await source.call("put", { key: "/leased", value: new Uint8Array(), lease: id });
    await source.call("put", { key: "/a/\udcff", value: Uint8Array.of(1) });
    await source.call("put", { key: "/large", value: new Uint8Array(LARGE_BYTES).fill(7) });
    const copy = async (from: string, to: string): Promise<Program> => {
      const program = Program.inkube(["etcd", "copy", from, to], tmpdir());
      await program.exited;
      return program;
    };
    expect((await copy(first, real.endpoint)).stdout).toMatch(/^copied 1303 keys as they were at revision \d+\n$/);
    expect((await copy(real.endpoint, last)).stdout).toMatch(/^copied 1303 keys/);
    const before = await allOf(source);
    for (const endpoint of [real.endpoint, last]) {
      const etcd = await clientOf(endpoint);
      const found = await allOf(etcd);
      expect(told(found)).toEqual(told(before));
      const { lease = "0" } = found.find(({ key }) => key === "/leased") ?? {};
      const { ttlSeconds } = await etcd.call("leaseTimeToLive", { id: lease });
      expect(ttlSeconds).toBeGreaterThan(500);
    }
    const again = await copy(first, real.endpoint);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/holds 1303 keys already/)]);
  }, 180_000);
});
