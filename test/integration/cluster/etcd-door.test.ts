/** The door for etcd's own clients, as those know it by its bytes. Codes and texts are etcd 3.7's. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GRPC } from "../../../protocols/etcd-wire/grpc.ts";
import type { RunningEtcd } from "../../fixtures/etcd-program.ts";
import { GrpcClient, startEtcd } from "../../fixtures/etcd-program.ts";
import { until } from "../../fixtures/until.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();
const KV = "/etcdserverpb.KV";
const WATCH = "/etcdserverpb.Watch/Watch";

let etcd: RunningEtcd;
let client: GrpcClient;
beforeAll(async () => {
  etcd = await startEtcd("--members", "3");
  client = new GrpcClient(etcd.endpoints[0]!);
});
afterAll(async () => {
  client.close();
  expect(await etcd.stop()).toBe(0);
});

const put = (key: string, value: string): Promise<number> =>
  client.call(`${KV}/Put`, { key: bytes(key), value: bytes(value) }).then(({ header }) => header!.revision);

describe("what kube-apiserver asks", () => {
  const key = bytes("/registry/pods/default/web");

  it("creates, updates and deletes under the revision that it knows, and is told of the other's", async () => {
    const txn = (
      modRevision: number,
      success: object,
      failure: object,
    ): ReturnType<typeof client.call<"/etcdserverpb.KV/Txn">> =>
      client.call(`${KV}/Txn`, {
        compare: [{ target: 2, result: 0, key, modRevision }],
        success: [success],
        failure: [failure],
      });
    const read = { requestRange: { key } };
    const created = await txn(0, { requestPut: { key, value: bytes("1") } }, read);
    expect(created.succeeded).toBe(true);
    const late = await txn(0, { requestPut: { key, value: bytes("x") } }, read);
    expect(late.succeeded).toBe(false);
    const { kvs } = late.responses[0]!.responseRange!;
    expect(kvs[0]).toMatchObject({ modRevision: created.header!.revision, version: 1 });
    const updated = await txn(kvs[0]!.modRevision, { requestPut: { key, value: bytes("2") } }, read);
    expect(updated).toMatchObject({ succeeded: true, header: { revision: created.header!.revision + 1 } });
    const deleted = await txn(updated.header!.revision, { requestDeleteRange: { key } }, read);
    expect(deleted.responses[0]!.responseDeleteRange).toMatchObject({ deleted: 1 });
  });

  it("lists page by page at one revision, counts, and reads keys alone", async () => {
    for (const name of ["a", "b", "c"]) await put(`/registry/list/${name}`, name);
    const rangeEnd = bytes("/registry/list0");
    const first = await client.call(`${KV}/Range`, { key: bytes("/registry/list/"), rangeEnd, limit: 2 });
    expect(first).toMatchObject({ more: true, count: 3 });
    await put("/registry/list/d", "d");
    const { revision } = first.header!;
    const rest = await client.call(`${KV}/Range`, { key: bytes("/registry/list/b\0"), rangeEnd, limit: 2, revision });
    expect(rest.kvs.map((kv) => text(kv.value))).toEqual(["c"]);
    const counted = await client.call(`${KV}/Range`, { key: bytes("/registry/list/"), rangeEnd, countOnly: true });
    expect(counted).toMatchObject({ count: 4, kvs: [] });
    const named = await client.call(`${KV}/Range`, { key: bytes("/registry/list/"), rangeEnd, keysOnly: true });
    expect(named.kvs.map((kv) => [text(kv.key), kv.value.length])).toContainEqual(["/registry/list/d", 0]);
  });

  it("a range comes as a stream whose last message tells of the whole, and no other order is streamed", async () => {
    for (let at = 0; at < 3; at++) await put(`/stream/${at}`, String(at));
    const range = { key: bytes("/stream/"), rangeEnd: bytes("/stream0") };
    const { answers, code } = await client.ended(`${KV}/RangeStream`, range);
    expect(code).toBe(0);
    expect(answers.at(-1)!.rangeResponse).toMatchObject({ count: 3, header: { revision: expect.any(Number) } });
    const sorted = await client.ended(`${KV}/RangeStream`, { ...range, sortOrder: 2 });
    expect(sorted).toMatchObject({
      code: GRPC.UNIMPLEMENTED,
      message: "RangeStream does not support custom sort orders",
    });
  });

  it("finds a version whose watch progress it can use", async () => {
    const status = await client.call("/etcdserverpb.Maintenance/Status", {});
    expect(status.version).toMatch(/^3\.(6|7)\./);
    expect(status.leader).toBe(
      (await client.call("/etcdserverpb.Cluster/MemberList", {})).members.find(({ id }) => id === status.leader)!.id,
    );
    expect(status.dbSize).toBeGreaterThan(0);
  });

  it("takes an Events lease, whose id may be larger than a number holds", async () => {
    const id = "9223372036854775807";
    const granted = await client.call("/etcdserverpb.Lease/LeaseGrant", { ttl: 60, id });
    expect(granted).toMatchObject({ id, ttl: 60 });
    await client.call(`${KV}/Put`, { key: bytes("/leased"), value: bytes("1"), lease: id });
    const { kvs } = await client.call(`${KV}/Range`, { key: bytes("/leased") });
    expect(kvs[0]!.lease).toBe(id);
    const told = await client.call("/etcdserverpb.Lease/LeaseTimeToLive", { id, keys: true });
    expect(told).toMatchObject({ grantedTtl: 60 });
    expect(told.keys.map(text)).toEqual(["/leased"]);
    const leases = await client.call("/etcdserverpb.Lease/LeaseLeases", {});
    expect(leases.leases).toContainEqual({ id });
    await client.call("/etcdserverpb.Lease/LeaseRevoke", { id });
    expect((await client.call(`${KV}/Range`, { key: bytes("/leased") })).count).toBe(0);
    const gone = await client.call("/etcdserverpb.Lease/LeaseTimeToLive", { id });
    expect(gone.ttl).toBe(-1);
  });
});

describe("a watch", () => {
  it("shares its stream with others, each under its id, and ends alone", async () => {
    const stream = client.stream(WATCH);
    stream.send({ createRequest: { key: bytes("/w/a") } });
    expect(await stream.next()).toMatchObject({ created: true, watchId: "0" });
    stream.send({ createRequest: { key: bytes("/w/"), rangeEnd: bytes("/w0"), watchId: "77", prevKv: true } });
    expect(await stream.next()).toMatchObject({ created: true, watchId: "77" });
    await put("/w/a", "1");
    const [one, other] = [await stream.next(), await stream.next()];
    expect([one.watchId, other.watchId].sort()).toEqual(["0", "77"]);
    stream.send({ cancelRequest: { watchId: "0" } });
    expect(await stream.next()).toMatchObject({ canceled: true, watchId: "0" });
    await put("/w/a", "2");
    const { events } = await stream.next();
    expect(text(events[0]!.prevKv!.value)).toBe("1");
    await client.call(`${KV}/DeleteRange`, { key: bytes("/w/a") });
    const gone = await stream.next();
    expect(gone.events[0]).toMatchObject({ type: 1, kv: { createRevision: 0, version: 0 } });
    expect(text(gone.events[0]!.prevKv!.value)).toBe("2");
    stream.finish();
    expect((await stream.ended).code).toBe(0);
  });

  it("begins in the past, and leaves out what its filters say", async () => {
    const from = await put("/past/a", "1");
    await client.call(`${KV}/DeleteRange`, { key: bytes("/past/a") });
    await put("/past/a", "2");
    const stream = client.stream(WATCH);
    stream.send({ createRequest: { key: bytes("/past/a"), startRevision: from, filters: [1] } });
    const answers = [await stream.next(), await stream.next(({ events }) => events.length > 0)];
    expect(answers[1]!.events.map(({ kv }) => text(kv!.value))).toEqual(["1", "2"]);
    stream.http2.close();
  });

  it("tells of progress for all of its stream once nothing is missing", async () => {
    const stream = client.stream(WATCH, { hasleader: "true" });
    stream.send({ createRequest: { key: bytes("/none") } });
    await stream.next();
    const revision = await put("/elsewhere", "1");
    await until("told", async () => {
      stream.send({ progressRequest: {} });
      const told = await stream.next();
      expect(told).toMatchObject({ watchId: "-1", events: [] });
      return told.header!.revision >= revision ? true : undefined;
    });
    stream.http2.close();
  });

  it("that begins before the last compaction is canceled, with where it could begin", async () => {
    const from = await put("/compacted", "1");
    const revision = await put("/compacted", "2");
    await client.call(`${KV}/Compact`, { revision });
    const stream = client.stream(WATCH);
    stream.send({ createRequest: { key: bytes("/compacted"), startRevision: from } });
    expect(await stream.next()).toMatchObject({ created: true });
    expect(await stream.next()).toMatchObject({ canceled: true, compactRevision: revision });
    // At the compaction itself it is early enough.
    stream.send({ createRequest: { key: bytes("/compacted"), startRevision: revision } });
    expect((await stream.next(({ events }) => events.length > 0)).events).toHaveLength(1);
    stream.http2.close();
  });

  it.each([
    ["an id that is taken", { key: bytes("a"), watchId: "5" }, "mvcc: duplicate watch ID provided on the WatchStream"],
    ["a range without keys", { key: bytes("b"), rangeEnd: bytes("a") }, "mvcc: watcher range is empty"],
    [
      "a beginning before all",
      { key: bytes("a"), startRevision: -1 },
      "etcdserver: mvcc: required revision has been compacted",
    ],
  ])("is refused for %s, and the stream goes on", async (_, createRequest, cancelReason) => {
    const stream = client.stream(WATCH);
    stream.send({ createRequest: { key: bytes("x"), watchId: "5" } });
    await stream.next();
    stream.send({ createRequest });
    expect(await stream.next()).toMatchObject({ created: true, canceled: true, watchId: "-1", cancelReason });
    await put("x", "1");
    expect((await stream.next()).watchId).toBe("5");
    stream.http2.close();
  });

  it("gets large answers in fragments where it asks for them", async () => {
    const from = await put("/large/0", "v".repeat(900_000));
    await put("/large/1", "v".repeat(900_000));
    const stream = client.stream(WATCH);
    stream.send({
      createRequest: { key: bytes("/large/"), rangeEnd: bytes("/large0"), startRevision: from, fragment: true },
    });
    const first = await stream.next(({ events }) => events.length > 0);
    const second = await stream.next();
    expect([first.fragment, second.fragment]).toEqual([true, false]);
    expect([...first.events, ...second.events].map(({ kv }) => text(kv!.key))).toEqual(["/large/0", "/large/1"]);
    stream.http2.close();
  });
});

describe("locks and elections", () => {
  it("a lock waits for the one before", async () => {
    const first = await client.call("/v3lockpb.Lock/Lock", { name: bytes("l") });
    const waits = client.ended("/v3lockpb.Lock/Lock", { name: bytes("l") });
    const keys = { key: bytes("l/"), rangeEnd: bytes("l0"), countOnly: true };
    await until("queued", async () => ((await client.call(`${KV}/Range`, keys)).count === 2 ? true : undefined));
    await client.call("/v3lockpb.Lock/Unlock", { key: first.key });
    const { code, answers } = await waits;
    expect(code).toBe(0);
    expect(text(answers[0]!.key)).not.toBe(text(first.key));
  });

  it("a leader is elected, seen, and followed by the next when it resigns", async () => {
    const name = bytes("e");
    const none = await client.ended("/v3electionpb.Election/Leader", { name });
    expect(none).toMatchObject({ code: GRPC.UNKNOWN, message: "election: no leader" });
    const seen = client.stream("/v3electionpb.Election/Observe");
    seen.send({ name });
    seen.finish();
    const { leader } = await client.call("/v3electionpb.Election/Campaign", { name, value: bytes("a") });
    expect(text((await seen.next()).kv!.value)).toBe("a");
    const next = client.call("/v3electionpb.Election/Campaign", { name, value: bytes("b") });
    await client.call("/v3electionpb.Election/Proclaim", { leader: leader!, value: bytes("a2") });
    expect(text((await seen.next()).kv!.value)).toBe("a2");
    await client.call("/v3electionpb.Election/Resign", { leader: leader! });
    await next;
    expect(text((await seen.next()).kv!.value)).toBe("b");
    const late = await client.ended("/v3electionpb.Election/Proclaim", { leader: leader!, value: bytes("x") });
    expect(late.message).toBe("election: not leader");
    seen.http2.close();
  });
});

it("renewals wait for a lease that is there, and tell of one that is not", async () => {
  const { id } = await client.call("/etcdserverpb.Lease/LeaseGrant", { ttl: 30 });
  for (const endpoint of etcd.endpoints) {
    const other = new GrpcClient(endpoint);
    const stream = other.stream("/etcdserverpb.Lease/LeaseKeepAlive");
    stream.send({ id });
    stream.send({ id: "12345" });
    expect(await stream.next()).toMatchObject({ id, ttl: 30 });
    expect(await stream.next()).toMatchObject({ id: "12345", ttl: 0 });
    stream.finish();
    expect((await stream.ended).code).toBe(0);
    other.close();
  }
});

it("all members have one hash at one revision, and tell the same list of members", async () => {
  await put("/hash", "1");
  const { revision } = (await client.call(`${KV}/Range`, { key: bytes("/hash") })).header!;
  const told = await Promise.all(
    etcd.endpoints.map(async (endpoint) => {
      const other = new GrpcClient(endpoint);
      await other.call(`${KV}/Range`, { key: bytes("/hash") });
      const { hash } = await other.call("/etcdserverpb.Maintenance/HashKV", { revision });
      const { members } = await other.call("/etcdserverpb.Cluster/MemberList", { linearizable: true });
      other.close();
      return { hash, urls: members.flatMap(({ clientUrls }) => clientUrls) };
    }),
  );
  expect(new Set(told.map(({ hash }) => hash)).size).toBe(1);
  for (const { urls } of told) expect(urls).toEqual(etcd.endpoints);
});

describe("an error is etcd's own, to the letter", () => {
  it.each([
    ["/Range", {}, GRPC.INVALID_ARGUMENT, "etcdserver: key is not provided"],
    [
      "/Range",
      { key: bytes("a"), revision: 1e9 },
      GRPC.OUT_OF_RANGE,
      "etcdserver: mvcc: required revision is a future revision",
    ],
    ["/Range", { key: bytes("a"), sortOrder: 9 }, GRPC.INVALID_ARGUMENT, "etcdserver: invalid sort option"],
    ["/Put", { key: bytes("a"), lease: "5" }, GRPC.NOT_FOUND, "etcdserver: requested lease not found"],
    [
      "/Put",
      { key: bytes("a"), value: bytes("1"), ignoreValue: true },
      GRPC.INVALID_ARGUMENT,
      "etcdserver: value is provided",
    ],
    [
      "/Put",
      { key: bytes("a"), value: new Uint8Array(1_600_000) },
      GRPC.INVALID_ARGUMENT,
      "etcdserver: request is too large",
    ],
    ["/Txn", { success: [{}] }, GRPC.INVALID_ARGUMENT, "etcdserver: key not found"],
    ["/Compact", { revision: 1e9 }, GRPC.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"],
  ] as const)("%s", async (method, request, code, message) => {
    expect(await client.ended(`${KV}${method}` as const, request as never)).toMatchObject({ code, message });
  });

  it("also what is not there yet", async () => {
    const { code } = await client.ended("/etcdserverpb.Maintenance/Downgrade", {});
    expect(code).toBe(GRPC.UNIMPLEMENTED);
    expect(await client.raw("/nobody.Knows/This", Buffer.alloc(5))).toEqual({
      code: GRPC.UNIMPLEMENTED,
      message: "unknown service nobody.Knows",
    });
    expect(await client.raw(`${KV}/Grab`, Buffer.alloc(5))).toMatchObject({
      message: "unknown method Grab for service etcdserverpb.KV",
    });
  });
});

describe("bad input costs its sender an error and nobody else anything", () => {
  const path = `${KV}/Range`;

  it.each([
    ["no message", Buffer.from("000000000501", "hex"), {}, GRPC.INTERNAL, "unexpected EOF"],
    ["no request at all", Buffer.alloc(0), {}, GRPC.INTERNAL, "EOF: no request"],
    [
      "bytes that are no protobuf",
      Buffer.from("00000000020aff", "hex"),
      {},
      GRPC.INTERNAL,
      "grpc: error unmarshalling request: truncated",
    ],
    [
      "a flag that is none",
      Buffer.from("4745542f20", "hex"),
      {},
      GRPC.INTERNAL,
      "grpc: received unexpected payload format 71",
    ],
    [
      "a compressed message",
      Buffer.from("0100000000", "hex"),
      {},
      GRPC.UNIMPLEMENTED,
      "grpc: Decompressor is not installed for a compressed message",
    ],
    [
      "gzip",
      Buffer.alloc(5),
      { "grpc-encoding": "gzip" },
      GRPC.UNIMPLEMENTED,
      'grpc: Decompressor is not installed for grpc-encoding "gzip"',
    ],
    [
      "a message beyond all bounds",
      Buffer.from("00ffffffff", "hex"),
      {},
      GRPC.RESOURCE_EXHAUSTED,
      "grpc: received message larger than max (4294967295 vs. 2097152)",
    ],
  ])("%s", async (_, body, headers, code, message) => {
    expect(await client.raw(path, body, headers)).toEqual({ code, message });
    expect(await put("/after", "1")).toBeGreaterThan(0);
  });

  it("fields that nobody knows are skipped", async () => {
    await put("/u", "1");
    const message = Buffer.concat([Buffer.from("fa0703616263", "hex"), Buffer.from("0a022f75", "hex")]);
    const body = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    expect(await client.raw(path, body)).toEqual({ code: 0, message: "" });
  });

  it("what is no gRPC is told so in HTTP", async () => {
    const stream = client.request(path, { "content-type": "application/json" });
    const status = new Promise((resolve) => void stream.once("response", (headers) => resolve(headers[":status"])));
    stream.end("{}");
    expect(await status).toBe(415);
  });

  it("a deadline that has passed is told, and the watch behind it ends", async () => {
    const stream = client.stream(WATCH, { "grpc-timeout": "50m" });
    stream.send({ createRequest: { key: bytes("/late") } });
    expect(await stream.ended).toMatchObject({ code: GRPC.DEADLINE_EXCEEDED, message: "context deadline exceeded" });
  });

  it("a client that never reads is fed from the history later, and loses nothing", async () => {
    const other = new GrpcClient(etcd.endpoints[0]!);
    const stream = other.stream(WATCH);
    stream.send({ createRequest: { key: bytes("/slow/"), rangeEnd: bytes("/slow0") } });
    await stream.next();
    stream.http2.pause();
    const count = 40;
    for (let at = 0; at < count; at++) await put(`/slow/${at}`, "v".repeat(200_000));
    stream.http2.resume();
    const seen: string[] = [];
    while (seen.length < count) for (const { kv } of (await stream.next()).events) seen.push(text(kv!.key));
    expect(seen).toEqual(Array.from({ length: count }, (_, at) => `/slow/${at}`));
    other.close();
  });

  it("thousands of calls at once on one connection are all answered", async () => {
    const other = new GrpcClient(etcd.endpoints[1]!, { maxSessionMemory: 100 });
    const calls = Array.from({ length: 3_000 }, () => other.ended(path, { key: bytes("/u"), serializable: true }));
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set([0]));
    other.close();
  });
});

it("pages beside gRPC tell of health, version and metrics, in HTTP/1.1", async () => {
  const page = async (path: string): Promise<string> => (await fetch(`${etcd.endpoints[2]}${path}`)).text();
  expect(JSON.parse(await page("/health"))).toEqual({ health: "true", reason: "" });
  expect(JSON.parse(await page("/version"))).toMatchObject({ etcdserver: expect.stringMatching(/^3\./) });
  expect(await page("/livez")).toBe("ok\n");
  expect(await page("/readyz?verbose")).toBe("[+]linearizable_read ok\nok\n");
  expect(await page("/metrics")).toContain("etcd_server_has_leader 1");
  expect((await fetch(`${etcd.endpoints[2]}/none`)).status).toBe(404);
});
