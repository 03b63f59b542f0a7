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
  RangeSort,
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
/** Beside the result and the target of a comparison: it has an end of a range. */
const COMPARES_RANGE = 32;
/** The number it compares with is below 0. */
const COMPARES_NEGATIVE = 64;

const RESULTS = ["equal", "greater", "less", "notEqual"] as const satisfies readonly Compare["result"][];
const SORTS = ["key", "version", "create", "mod", "value"] as const satisfies readonly RangeSort["target"][];
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
  const ignored = (request.ignoreValue === true ? 4 : 0) | (request.ignoreLease === true ? 8 : 0);
  writer.u8((request.prevKv === true ? 1 : 0) | (lease === "0" ? 0 : 2) | ignored);
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
  if (flags <= 3) return (flags & 1) === 0 ? base : { ...base, prevKv: true };
  return { ...base, prevKv: (flags & 1) !== 0, ignoreValue: (flags & 4) !== 0, ignoreLease: (flags & 8) !== 0 };
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
  const bounds = boundsOf(request);
  const isBounded = bounds.some((bound) => bound !== 0);
  const more = (request.sort === undefined ? 0 : 8) | (isBounded ? 16 : 0);
  writer.u8(flags | (request.rangeEnd === undefined ? 0 : 4) | more);
  writer.text(request.key);
  if (request.rangeEnd !== undefined) writer.text(request.rangeEnd);
  writer.varint(request.limit ?? 0);
  writer.varint(request.revision ?? 0);
  const { sort } = request;
  if (sort !== undefined) writer.u8(SORTS.indexOf(sort.target) * 2 + (sort.isDescending ? 1 : 0));
  if (isBounded) for (const bound of bounds) writer.varint(bound);
}

function boundsOf(request: RangeRequest): readonly number[] {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request;
  return [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision];
}

function readRange(reader: ByteReader): RangeRequest {
  const flags = reader.u8();
  const key = reader.text();
  const base = (flags & 4) === 0 ? { key } : { key, rangeEnd: reader.text() };
  const [limit, revision] = [reader.varint(), reader.varint()];
  const range = { ...base, limit, revision, keysOnly: (flags & 1) !== 0, countOnly: (flags & 2) !== 0 };
  if (flags < 8) return range;
  const sorted = (flags & 8) === 0 ? range : { ...range, sort: readSort(reader.u8()) };
  if ((flags & 16) === 0) return sorted;
  return {
    ...sorted,
    minModRevision: reader.varint(),
    maxModRevision: reader.varint(),
    minCreateRevision: reader.varint(),
    maxCreateRevision: reader.varint(),
  };
}

function readSort(code: number): RangeSort {
  const target = SORTS[code >>> 1];
  if (target === undefined) throw new BytesError(`unknown order ${code}`);
  return { target, isDescending: (code & 1) !== 0 };
}

function writeTxn(writer: ByteWriter, request: TxnRequest): void {
  writer.u8(TXN);
  writer.text(request.cause ?? "");
  writer.varint(request.compare.length);
  for (const compare of request.compare) {
    const code = RESULTS.indexOf(compare.result) * 8 + TARGETS.indexOf(compare.target);
    const isNegative = compare.value === -1;
    writer.u8(code | (compare.rangeEnd === undefined ? 0 : COMPARES_RANGE) | (isNegative ? COMPARES_NEGATIVE : 0));
    writer.text(compare.key);
    if (compare.rangeEnd !== undefined) writer.text(compare.rangeEnd);
    if (compare.target === "value") writer.blob(compare.value);
    else if (compare.target === "lease") writer.text(compare.value);
    else if (!isNegative) writer.varint(compare.value);
  }
  for (const ops of [request.success, request.failure]) {
    writer.varint(ops.length);
    for (const op of ops) {
      if ("put" in op) writePut(writer, op.put);
      else if ("range" in op) writeRange(writer, op.range);
      else if ("txn" in op) writeTxn(writer, op.txn);
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
  const result = RESULTS[(code & (COMPARES_RANGE - 1)) >>> 3];
  const target = TARGETS[code & 7];
  if (result === undefined || target === undefined) throw new BytesError(`unknown comparison ${code}`);
  const key = reader.text();
  const base = (code & COMPARES_RANGE) === 0 ? { key, result } : { key, result, rangeEnd: reader.text() };
  return compareOf(reader, base, target, (code & COMPARES_NEGATIVE) !== 0);
}

function compareOf(
  reader: ByteReader,
  base: Pick<Compare, "key" | "rangeEnd" | "result">,
  target: Compare["target"],
  isNegative: boolean,
): Compare {
  if (target === "value") return { ...base, target, value: reader.blob() };
  if (target === "lease") return { ...base, target, value: reader.text() };
  return { ...base, target, value: isNegative ? -1 : reader.varint() };
}

function readOps(reader: ByteReader): RequestOp[] {
  const ops: RequestOp[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const kind = reader.u8();
    if (kind === PUT) ops.push({ put: readPut(reader) });
    else if (kind === RANGE) ops.push({ range: readRange(reader) });
    else if (kind === DELETE_RANGE) ops.push({ deleteRange: readDeleteRange(reader) });
    else if (kind === TXN) ops.push({ txn: readTxn(reader) });
    else throw new BytesError(`unknown operation ${kind}`);
  }
  return ops;
}
