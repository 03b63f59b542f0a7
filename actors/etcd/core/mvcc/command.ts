/**
 * What the members agree on: commands, run in the order of the log. The member that took a request encodes it once; those
 * bytes are what is written, sent and applied. Commands of one member travel in batches of consecutive numbers, so that
 * it finds its requests again when they are applied.
 */
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../../../protocols/etcd.ts";
import { ByteReader, ByteWriter, BytesError } from "../bytes.ts";

export type Command =
  | { readonly type: "put"; readonly request: PutRequest }
  | { readonly type: "deleteRange"; readonly request: DeleteRangeRequest }
  | { readonly type: "txn"; readonly request: TxnRequest }
  | { readonly type: "compact"; readonly revision: number }
  | { readonly type: "leaseGrant"; readonly id: string; readonly ttlSeconds: number }
  | { readonly type: "leaseRevoke"; readonly id: string };

const PUT = 1;
const DELETE_RANGE = 2;
const TXN = 3;
const COMPACT = 4;
const LEASE_GRANT = 5;
const LEASE_REVOKE = 6;
const RANGE = 7;

const RESULTS = ["equal", "greater", "less", "notEqual"] as const satisfies readonly Compare["result"][];
const TARGETS = ["version", "create", "mod", "value", "lease"] as const satisfies readonly Compare["target"][];

/** Gathers the commands of one member until they are taken as one batch. */
export class CommandBatch {
  private readonly writer: ByteWriter = new ByteWriter(16_384);
  private readonly origin: number;
  private firstSequence = 1;
  count = 0;

  /** `origin` tells the batches of this incarnation of this member from all others. */
  constructor(origin: number) {
    this.origin = origin;
  }

  get sizeBytes(): number {
    return this.writer.length;
  }

  /** The number by which the command's result will be known. */
  add(command: Command): number {
    writeCommand(this.writer, command);
    return this.firstSequence + this.count++;
  }

  take(): Uint8Array {
    const head = new ByteWriter(32 + this.writer.length);
    head.varint(this.origin);
    head.varint(this.firstSequence);
    head.varint(this.count);
    head.raw(this.writer.view());
    this.writer.clear();
    this.firstSequence += this.count;
    this.count = 0;
    return head.view();
  }
}

/**
 * Calls `run` with each command of an entry, which is one batch or several after each other. Values are views on `data`: what
 * is kept of them is copied.
 */
export function readBatches(data: Uint8Array, run: (command: Command, origin: number, sequence: number) => void): void {
  const reader = new ByteReader(data);
  while (!reader.done) {
    const origin = reader.varint();
    const firstSequence = reader.varint();
    const count = reader.varint();
    for (let at = 0; at < count; at++) run(readCommand(reader), origin, firstSequence + at);
  }
}

function writeCommand(writer: ByteWriter, command: Command): void {
  switch (command.type) {
    case "put":
      return writePut(writer, command.request);
    case "deleteRange":
      return writeDeleteRange(writer, command.request);
    case "txn":
      return writeTxn(writer, command.request);
    case "compact":
      writer.u8(COMPACT);
      writer.varint(command.revision);
      return;
    case "leaseGrant":
      writer.u8(LEASE_GRANT);
      writer.text(command.id);
      writer.varint(command.ttlSeconds);
      return;
    case "leaseRevoke":
      writer.u8(LEASE_REVOKE);
      writer.text(command.id);
      return;
  }
}

function readCommand(reader: ByteReader): Command {
  const kind = reader.u8();
  switch (kind) {
    case PUT:
      return { type: "put", request: readPut(reader) };
    case DELETE_RANGE:
      return { type: "deleteRange", request: readDeleteRange(reader) };
    case TXN:
      return { type: "txn", request: readTxn(reader) };
    case COMPACT:
      return { type: "compact", revision: reader.varint() };
    case LEASE_GRANT:
      return { type: "leaseGrant", id: reader.text(), ttlSeconds: reader.varint() };
    case LEASE_REVOKE:
      return { type: "leaseRevoke", id: reader.text() };
  }
  throw new BytesError(`unknown command ${kind}`);
}

function writePut(writer: ByteWriter, request: PutRequest): void {
  const lease = request.lease ?? "0";
  writer.u8(PUT);
  writer.u8((request.prevKv === true ? 1 : 0) | (lease === "0" ? 0 : 2));
  writer.text(request.key);
  writer.blob(request.value);
  if (lease !== "0") writer.text(lease);
}

function readPut(reader: ByteReader): PutRequest {
  const flags = reader.u8();
  const key = reader.text();
  const value = reader.blob();
  if (flags === 0) return { key, value };
  const base = (flags & 2) === 0 ? { key, value } : { key, value, lease: reader.text() };
  return (flags & 1) === 0 ? base : { ...base, prevKv: true };
}

function writeDeleteRange(writer: ByteWriter, request: DeleteRangeRequest): void {
  writer.u8(DELETE_RANGE);
  writer.u8((request.prevKv === true ? 1 : 0) | (request.rangeEnd === undefined ? 0 : 2));
  writer.text(request.key);
  if (request.rangeEnd !== undefined) writer.text(request.rangeEnd);
}

function readDeleteRange(reader: ByteReader): DeleteRangeRequest {
  const flags = reader.u8();
  const key = reader.text();
  const base = (flags & 2) === 0 ? { key } : { key, rangeEnd: reader.text() };
  return (flags & 1) === 0 ? base : { ...base, prevKv: true };
}

function writeRange(writer: ByteWriter, request: RangeRequest): void {
  writer.u8(RANGE);
  const flags = (request.keysOnly === true ? 1 : 0) | (request.countOnly === true ? 2 : 0);
  writer.u8(flags | (request.rangeEnd === undefined ? 0 : 4));
  writer.text(request.key);
  if (request.rangeEnd !== undefined) writer.text(request.rangeEnd);
  writer.varint(request.limit ?? 0);
  writer.varint(request.revision ?? 0);
}

function readRange(reader: ByteReader): RangeRequest {
  const flags = reader.u8();
  const key = reader.text();
  const base = (flags & 4) === 0 ? { key } : { key, rangeEnd: reader.text() };
  const [limit, revision] = [reader.varint(), reader.varint()];
  return { ...base, limit, revision, keysOnly: (flags & 1) !== 0, countOnly: (flags & 2) !== 0 };
}

function writeTxn(writer: ByteWriter, request: TxnRequest): void {
  writer.u8(TXN);
  writer.text(request.cause ?? "");
  writer.varint(request.compare.length);
  for (const compare of request.compare) {
    writer.u8(RESULTS.indexOf(compare.result) * 8 + TARGETS.indexOf(compare.target));
    writer.text(compare.key);
    if (compare.target === "value") writer.blob(compare.value);
    else if (compare.target === "lease") writer.text(compare.value);
    else writer.varint(compare.value);
  }
  for (const ops of [request.success, request.failure]) {
    writer.varint(ops.length);
    for (const op of ops) {
      if ("put" in op) writePut(writer, op.put);
      else if ("range" in op) writeRange(writer, op.range);
      else writeDeleteRange(writer, op.deleteRange);
    }
  }
}

function readTxn(reader: ByteReader): TxnRequest {
  const cause = reader.text();
  const compare: Compare[] = [];
  for (let left = reader.varint(); left > 0; left--) compare.push(readCompare(reader));
  const success = readOps(reader);
  const failure = readOps(reader);
  return cause === "" ? { compare, success, failure } : { compare, success, failure, cause };
}

function readCompare(reader: ByteReader): Compare {
  const code = reader.u8();
  const result = RESULTS[code >>> 3];
  const target = TARGETS[code & 7];
  if (result === undefined || target === undefined) throw new BytesError(`unknown comparison ${code}`);
  const key = reader.text();
  if (target === "value") return { key, result, target, value: reader.blob() };
  if (target === "lease") return { key, result, target, value: reader.text() };
  return { key, result, target, value: reader.varint() };
}

function readOps(reader: ByteReader): RequestOp[] {
  const ops: RequestOp[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const kind = reader.u8();
    if (kind === PUT) ops.push({ put: readPut(reader) });
    else if (kind === RANGE) ops.push({ range: readRange(reader) });
    else if (kind === DELETE_RANGE) ops.push({ deleteRange: readDeleteRange(reader) });
    else throw new BytesError(`unknown operation ${kind}`);
  }
  return ops;
}
