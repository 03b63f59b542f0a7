import fc from "fast-check";
import { expect, it } from "vitest";
import { ResourceCache } from "../../../actors/api-server/core/cache/resource-cache.ts";
import { encodeStored } from "../../../actors/api-server/core/cache/stored-object.ts";
import { CommandBatch } from "../../../actors/etcd/core/mvcc/command.ts";
import { readBatches } from "../../../actors/etcd/core/mvcc/command.ts";
import { StateMachine } from "../../../actors/etcd/core/mvcc/state-machine.ts";
import { decodeStore, encodeStore } from "../../../actors/etcd/core/mvcc/state-codec.ts";
import { RaftLog } from "../../../actors/etcd/core/raft/log.ts";
import { API_SERVER_DEFAULTS } from "../../../actors/api-server/spec.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { bytesOf, equalBytes, keepBytes, keepEncoded, textOf } from "../../../protocols/kept-bytes.ts";
import type { ResourceInfo } from "../../../protocols/kubernetes/resources.ts";
import { findResource } from "../../../protocols/kubernetes/resources.ts";
import type { PreEncoded } from "../../../runtime/pre-encoded.ts";
import { PreEncoder } from "../../../runtime/pre-encoded.ts";
import { collectGarbage } from "../../../runtime/threads/idle-collection.ts";

const VALUES = 4_000;
const VALUE_BYTES = 1_024;
const TOTAL_BYTES = VALUES * VALUE_BYTES;

it("are the same bytes again, and a copy of their own", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(8), (bytes, start) => {
      const view = bytes.subarray(start);
      const kept = keepBytes(view);
      const before = [...view];
      bytes.fill(7);
      expect([...bytesOf(kept)]).toEqual(before);
      expect(kept.length).toBe(before.length);
    }),
  );
});

it("are the text that was encoded in them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const bytes = new TextEncoder().encode(text);
      expect(textOf(keepBytes(bytes))).toBe(text);
      expect(keepEncoded(text, bytes)).toBe(keepBytes(bytes));
    }),
  );
});

it("are equal byte by byte, and of one length", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(equalBytes(bytes, Uint8Array.of(0, 1, 2, 3).subarray(1))).toBe(true);
  expect(equalBytes(bytes, Uint8Array.of(1, 2, 4))).toBe(false);
  expect(equalBytes(bytes, Uint8Array.of(1, 2))).toBe(false);
});

/** Bytes that `hold` makes and something goes on holding outside of V8's heap. */
async function heldOutsideBytes(hold: () => unknown): Promise<number> {
  await collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const held = hold();
  // What was made last is still on the stack, or in Node.js' pool.
  await new Promise((resolve) => setImmediate(resolve));
  await collectGarbage();
  const after = process.memoryUsage().arrayBuffers;
  expect(held).toBeDefined();
  return after - before;
}

function written(): StateMachine {
  const machine = new StateMachine("c", "1");
  const batch = new CommandBatch(1);
  for (let index = 0; index < VALUES; index++) {
    batch.add({ type: "put", request: { key: `/k${index % 100}`, value: new Uint8Array(VALUE_BYTES).fill(index) } });
    readBatches(batch.take(), (command) => void machine.apply(command, true));
  }
  return machine;
}

function appliedLog(): RaftLog {
  const log = new RaftLog({ index: 0, term: 0 }, []);
  for (let index = 1; index <= VALUES; index++) {
    log.append(1, new Uint8Array(VALUE_BYTES));
    log.persisted();
    log.takeUnstable();
    log.persisted();
    log.commitTo(index);
    log.takeCommitted();
  }
  return log;
}

function changedCache(): ResourceCache {
  const pods = findResource("", "v1", "pods") as ResourceInfo;
  const cache = new ResourceCache(pods, undefined, { ...API_SERVER_DEFAULTS, historyBytes: TOTAL_BYTES });
  cache.reset(1);
  const note = "x".repeat(VALUE_BYTES);
  for (let index = 0; index < VALUES; index++) {
    const key = `default/p${index % 100}`;
    const object = { metadata: { name: key, annotations: { note, index: String(index) } } } as KubernetesObject;
    const { current } = cache.put(key, index + 2, encodeStored(cache.head, object), undefined, 0);
    expect(current.json.length).toBeGreaterThan(VALUE_BYTES);
  }
  return cache;
}

function encodedForMany(): readonly PreEncoded[] {
  const encoder = new PreEncoder();
  return Array.from({ length: VALUES }, (_, index) => encoder.encode({ index, note: "x".repeat(VALUE_BYTES) }));
}

it.each([
  ["the versions and the history of a store", written],
  ["a store that a snapshot was read into", () => decodeStore(encodeStore(written().store))],
  ["the applied entries of a log", appliedLog],
  ["the objects and the changes of a cache that they were read from", changedCache],
  ["values that were encoded once for many", encodedForMany],
])("hold no buffers: %s", async (_, hold) => {
  expect(await heldOutsideBytes(hold)).toBeLessThan(TOTAL_BYTES / 10);
});
