/** Runs commands against a store and words the answers. The answer is made only where someone waits for it. */
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
} from "../../../../protocols/etcd.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Command } from "./command.ts";
import { Store } from "./store.ts";
import type { OpResult, TxnResult } from "./txn.ts";
import { checkPut, runTxn } from "./txn.ts";
import type { Version } from "./version.ts";
import { toKeyValue } from "./version.ts";

export class StateMachine {
  store: Store = new Store();
  private readonly clusterId: string;
  private readonly memberId: string;
  private lastHeader: ResponseHeader | undefined;
  private raftTerm = 0;

  constructor(clusterId: string, memberId: string) {
    this.clusterId = clusterId;
    this.memberId = memberId;
  }

  set term(term: number) {
    if (term === this.raftTerm) return;
    this.raftTerm = term;
    this.lastHeader = undefined;
  }

  header(): ResponseHeader {
    const { revision } = this.store;
    if (this.lastHeader?.revision === revision) return this.lastHeader;
    const { clusterId, memberId, raftTerm } = this;
    this.lastHeader = { clusterId, memberId, revision, raftTerm };
    return this.lastHeader;
  }

  range(request: RangeRequest): RangeResponse {
    const { kvs, more, count } = this.store.range(request);
    return { header: this.header(), kvs, more, count };
  }

  /** The answer to `command`, an `InkubeError` when it was refused; undefined when it isn't `wanted`. */
  apply(command: Command, wanted: boolean): unknown {
    try {
      return this.run(command, wanted);
    } catch (error) {
      // A refusal is a result like any other: the same on all members.
      if (error instanceof InkubeError) return error;
      throw error;
    }
  }

  private run(command: Command, wanted: boolean): unknown {
    const { store } = this;
    switch (command.type) {
      case "put": {
        checkPut(store, command.request);
        const previous = store.put(command.request, undefined);
        store.commit();
        return wanted ? this.putResponse(previous, command.request.prevKv === true) : undefined;
      }
      case "deleteRange": {
        const previous = store.deleteRange(command.request, undefined);
        store.commit();
        return wanted ? this.deleteResponse(previous, command.request.prevKv === true) : undefined;
      }
      case "txn": {
        const result = runTxn(store, command.request);
        return wanted ? this.txnResponse(result) : undefined;
      }
      case "compact":
        store.compact(command.revision);
        return { header: this.header() };
      case "leaseGrant":
        store.grantLease(command.id, command.ttlSeconds);
        return { id: command.id, ttlSeconds: command.ttlSeconds };
      case "leaseRevoke":
        store.revokeLease(command.id);
        return { header: this.header() };
    }
  }

  private txnResponse({ succeeded, results }: TxnResult): TxnResponse {
    return { header: this.header(), succeeded, responses: results.map((result) => this.opResponse(result)) };
  }

  private opResponse(result: OpResult): ResponseOp {
    if ("put" in result) return { put: this.putResponse(result.put, result.wanted) };
    if ("range" in result) return { range: { header: this.header(), ...result.range } };
    if ("txn" in result) return { txn: this.txnResponse(result.txn) };
    return { deleteRange: this.deleteResponse(result.deleteRange, result.wanted) };
  }

  private putResponse(previous: Version | undefined, wanted: boolean): PutResponse {
    const header = this.header();
    return wanted && previous !== undefined ? { header, prevKv: toKeyValue(previous) } : { header };
  }

  private deleteResponse(previous: readonly Version[], wanted: boolean): DeleteRangeResponse {
    return { header: this.header(), deleted: previous.length, prevKvs: wanted ? previous.map(toKeyValue) : [] };
  }
}
