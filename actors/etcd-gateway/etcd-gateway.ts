/**
 * Stands for a member of an etcd cluster that runs elsewhere: what the actors of this process ask by message goes to it over gRPC. Who
 * asks rotates among the members, and knows by an error's code whether what was asked may be carried out, as with etcd in this process.
 *
 * etcd keeps nothing of what caused a write. A gateway remembers it for the writes that went through it, so that of those that came by
 * another way it is not known. Progress is never asked for: who follows the store follows all of it, so that each revision is an event.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type {
  Alarm,
  AlarmState,
  EtcdMethods,
  LeaseTimeToLive,
  MemberStatus,
  TxnRequest,
  TxnResponse,
  WatchRequest,
  WatchResponse,
} from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import { GrpcStatus } from "../../protocols/etcd-wire/grpc.ts";
import type { Methods } from "../../protocols/etcd-wire/messages.ts";
import { bytesOfText, textOfBytes } from "../../protocols/text-bytes.ts";
import type { ActorDefinition, Context, Handlers, Incoming, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import {
  cancellation,
  deletionOf,
  errorOf,
  eventOf,
  failure,
  headerOf,
  putOf,
  rangeOf,
  txnOf,
} from "./core/answers.ts";
import { deleteToWire, putToWire, rangeToWire, txnToWire } from "./core/requests.ts";
import type { EtcdGatewayOptions } from "./spec.ts";
import type { AnswerOf, OpenTransport, RequestTo, Transport } from "./transport.ts";
import { NOT_SENT } from "./transport.ts";

/** As kube-apiserver's own question for etcd's health. */
const HEALTH_KEY = "/registry/health";
const ALARM_TYPES = ["", "NOSPACE", "CORRUPT"] as const;
const DELIVERY_MS = 5_000;

export function etcdGatewayActor(openTransport: OpenTransport): ActorDefinition<EtcdMethods, EtcdGatewayOptions> {
  return defineActor(etcdProtocol, (ctx: Context<EtcdGatewayOptions>) => {
    const gateway = new EtcdGateway(ctx, openTransport(ctx.options));
    ctx.onEnd(() => gateway.close());
    return { handlers: { ...refusals(ctx.options.endpoint), ...gateway.handlers() }, stop: () => gateway.close() };
  });
}

/** What is the group's own, or etcd's own tools do. */
function refusals(endpoint: string): Handlers<EtcdMethods> {
  const refuse = (method: string) => (): never => {
    throw new InkubeError(
      "INVALID_ARGUMENT",
      `the etcd at ${endpoint} is not inkube's: it can't be asked for ${method} here`,
    );
  };
  return Object.fromEntries(etcdProtocol.ids.map((id) => [id, refuse(id)])) as unknown as Handlers<EtcdMethods>;
}

class EtcdGateway {
  private readonly ctx: Context<EtcdGatewayOptions>;
  private readonly transport: Transport;
  /** By revision, the oldest first. */
  private readonly causes = new Map<number, string>();

  constructor(ctx: Context<EtcdGatewayOptions>, transport: Transport) {
    this.ctx = ctx;
    this.transport = transport;
  }

  close(): void {
    this.transport.close();
  }

  handlers(): Partial<Handlers<EtcdMethods>> {
    return {
      range: async (request, message) =>
        rangeOf(await this.call("/etcdserverpb.KV/Range", rangeToWire(request), message)),
      put: async (request, message) => putOf(await this.call("/etcdserverpb.KV/Put", putToWire(request), message)),
      deleteRange: async (request, message) =>
        deletionOf(await this.call("/etcdserverpb.KV/DeleteRange", deleteToWire(request), message)),
      txn: (request, message) => this.txn(request, message),
      compact: async ({ revision }, message) => {
        const { header } = await this.call("/etcdserverpb.KV/Compact", { revision }, message);
        return { header: headerOf(header) };
      },
      readIndex: async (_request, message) => {
        const request = { key: bytesOfText(HEALTH_KEY), countOnly: true };
        const { header } = await this.call("/etcdserverpb.KV/Range", request, message);
        return { revision: headerOf(header).revision };
      },
      watch: (request, sink) => this.watch(request, sink),
      status: (_request, message) => this.status(message),
      alarms: (_request, sink) => this.alarms(sink),
      ...this.leases(),
    };
  }

  private leases(): Partial<Handlers<EtcdMethods>> {
    return {
      leaseGrant: async ({ ttlSeconds, id = "0" }, message) => {
        const granted = await this.call("/etcdserverpb.Lease/LeaseGrant", { ttl: ttlSeconds, id }, message);
        return { id: granted.id, ttlSeconds: granted.ttl };
      },
      leaseRevoke: async ({ id }, message) => {
        const { header } = await this.call("/etcdserverpb.Lease/LeaseRevoke", { id }, message);
        return { header: headerOf(header) };
      },
      leaseKeepAlive: async ({ id }, message) => {
        const kept = await this.call("/etcdserverpb.Lease/LeaseKeepAlive", { id }, message);
        return { id: kept.id, ttlSeconds: kept.ttl };
      },
      leaseTimeToLive: async ({ id, keys = false }, message): Promise<LeaseTimeToLive> => {
        const left = await this.call("/etcdserverpb.Lease/LeaseTimeToLive", { id, keys }, message);
        return {
          id: left.id,
          ttlSeconds: left.ttl,
          grantedTtlSeconds: left.grantedTtl,
          keys: left.keys.map((key) => textOfBytes(key)),
        };
      },
    };
  }

  private async txn(request: TxnRequest, message: Incoming): Promise<TxnResponse> {
    const answer = txnOf(await this.call("/etcdserverpb.KV/Txn", txnToWire(request), message));
    const writes = (answer.succeeded ? request.success : request.failure).some((op) => !("range" in op));
    if (writes && request.cause !== undefined && request.cause !== "")
      this.remember(answer.header.revision, request.cause);
    return answer;
  }

  private remember(revision: number, cause: string): void {
    this.causes.set(revision, cause);
    const [oldest] = this.causes.keys();
    if (this.causes.size > this.ctx.options.causesMax && oldest !== undefined) this.causes.delete(oldest);
  }

  private watch(request: WatchRequest, sink: Sink<WatchResponse>): void {
    const { key, rangeEnd, startRevision = 0, prevKv = false, progressNotify = false } = request;
    const created = {
      key: bytesOfText(key),
      ...(rangeEnd === undefined ? {} : { rangeEnd: bytesOfText(rangeEnd) }),
      startRevision,
      prevKv,
      progressNotify,
    };
    const stop = this.transport.stream(
      "/etcdserverpb.Watch/Watch",
      { createRequest: created },
      {
        next: (answer) => {
          if (answer.canceled) {
            sink.end(cancellation(answer));
            return stop();
          }
          if (answer.created) return;
          const events = answer.events.map((event) => eventOf(event, this.causes.get(event.kv?.modRevision ?? 0)));
          sink.push({ header: headerOf(answer.header), events });
        },
        end: (error) => sink.end(told(error)),
      },
    );
    if (sink.signal.aborted) stop();
    else sink.signal.addEventListener("abort", stop);
  }

  private async status(message: Incoming): Promise<MemberStatus> {
    const status = await this.call("/etcdserverpb.Maintenance/Status", {}, message);
    const header = headerOf(status.header);
    return {
      header,
      version: status.version,
      name: this.ctx.name,
      isLearner: status.isLearner,
      // Of another member it is known by its id alone.
      leader: status.leader !== "0" && status.leader === header.memberId ? this.ctx.name : "",
      raftTerm: status.raftTerm,
      raftIndex: status.raftIndex,
      raftAppliedIndex: status.raftAppliedIndex,
      dbSizeBytes: status.dbSize,
      // It would take a walk over the whole store, for nobody.
      hash: 0,
      errors: status.errors,
      alarms: [],
      clientUrls: [this.ctx.options.endpoint],
    };
  }

  /** Told when they change. A member that does not answer has raised none. */
  private alarms(sink: Sink<AlarmState>): void {
    let before = "";
    const look = async (): Promise<void> => {
      const alarms = await this.alarmsNow();
      const now = alarms === undefined ? before : JSON.stringify(alarms);
      if (alarms === undefined || now === before || sink.signal.aborted) return;
      before = now;
      sink.push({ serving: true, alarms });
    };
    sink.push({ serving: true, alarms: [] });
    before = "[]";
    const timer = this.ctx.clock.every(this.ctx.options.alarmsMs, () => this.ctx.spawn(look));
    sink.signal.addEventListener("abort", () => timer.cancel());
    this.ctx.spawn(look);
  }

  private async alarmsNow(): Promise<readonly Alarm[] | undefined> {
    const path = this.ctx.options.endpoint;
    try {
      const answer = await this.transport.call("/etcdserverpb.Maintenance/Alarm", {}, { timeoutMs: DELIVERY_MS });
      return answer.alarms.flatMap(({ alarm, memberId }) => {
        const type = ALARM_TYPES[alarm];
        if (type === undefined || type === "") return [];
        const message = `${path}: etcd member ${memberId} has raised the alarm ${type}; "etcdctl alarm list" tells, and etcd's manual what to do`;
        return [{ type, path, message }];
      });
    } catch (error) {
      if (error instanceof GrpcStatus || error instanceof InkubeError) return undefined;
      throw error;
    }
  }

  private async call<Path extends keyof Methods>(
    path: Path,
    request: RequestTo<Path>,
    { timeoutMs, signal }: Incoming,
  ): Promise<AnswerOf<Path>> {
    try {
      return await this.transport.call(path, request, { timeoutMs, signal });
    } catch (error) {
      throw told(error as Error);
    }
  }
}

/** In the codes by which who asks knows whether it may be carried out. */
function told(error: Error): Error {
  if (error instanceof GrpcStatus) return errorOf(error);
  if (!(error instanceof InkubeError)) return error;
  return failure(error.code === NOT_SENT ? "ETCD_OUT_OF_SERVICE" : "ETCD_LEADER_CHANGED", error.message, true);
}
