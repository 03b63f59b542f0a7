/** Lease. Source: etcd `server/etcdserver/api/v3rpc/lease.go`. */
import type { EtcdMethods } from "../../../protocols/etcd.ts";
import type * as wire from "../../../protocols/etcd-wire/messages.ts";
import { bytesOfText } from "../../../protocols/text-bytes.ts";
import type { Actor } from "../../../runtime/actor.ts";
import type { Member } from "../member.ts";
import type { GrpcStream, Receiver, Services } from "./calls.ts";

export function leaseServices(handlers: Actor<EtcdMethods>["handlers"], member: Member): Services {
  const { machine } = member;
  return {
    "/etcdserverpb.Lease/LeaseGrant": async ({ id, ttl }, call) => {
      const granted = await handlers.leaseGrant({ id, ttlSeconds: ttl }, call);
      return { header: machine.header(), id: granted.id, ttl: granted.ttlSeconds };
    },
    "/etcdserverpb.Lease/LeaseRevoke": async ({ id }, call) => handlers.leaseRevoke({ id }, call),
    "/etcdserverpb.Lease/LeaseKeepAlive": (stream) => new KeepAlive(handlers, member, stream),
    "/etcdserverpb.Lease/LeaseTimeToLive": async ({ id, keys }, call) => {
      const lease = await handlers.leaseTimeToLive({ id, keys }, call);
      return {
        header: machine.header(),
        id,
        ttl: lease.ttlSeconds,
        grantedTtl: lease.grantedTtlSeconds,
        keys: lease.keys.map(bytesOfText),
      };
    },
    "/etcdserverpb.Lease/LeaseLeases": async () => {
      const ids = await member.view(() => [...machine.store.leases.keys()]);
      return { header: machine.header(), leases: ids.map((id) => ({ id })) };
    },
  };
}

/** Renewals are answered in the order in which they come, one at a time, as etcd does. */
class KeepAlive implements Receiver<wire.LeaseKeepAliveRequest> {
  private readonly handlers: Actor<EtcdMethods>["handlers"];
  private readonly member: Member;
  private readonly stream: GrpcStream<wire.LeaseKeepAliveResponse>;
  private last: Promise<void> = Promise.resolve();

  constructor(
    handlers: Actor<EtcdMethods>["handlers"],
    member: Member,
    stream: GrpcStream<wire.LeaseKeepAliveResponse>,
  ) {
    this.handlers = handlers;
    this.member = member;
    this.stream = stream;
  }

  next({ id }: wire.LeaseKeepAliveRequest): void {
    this.last = this.last.then(() => this.renew(id));
  }

  end(): void {
    void this.last.then(() => this.stream.end());
  }

  private async renew(id: string): Promise<void> {
    const { stream, member } = this;
    if (stream.signal.aborted) return;
    // Of before the renewal: a lease that has ended since must not seem to be renewed after its end.
    const header = member.machine.header();
    try {
      const { ttlSeconds } = await this.handlers.leaseKeepAlive({ id }, stream);
      stream.send({ header, id, ttl: ttlSeconds });
      if (stream.isFull) await stream.drained();
    } catch (error) {
      stream.end(error as Error);
    }
  }
}
