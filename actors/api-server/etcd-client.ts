/**
 * Calls to the etcd members with fail-over. Every request that goes through here may be sent twice: reads are, and each
 * transaction compares what it replaces, so that only one of two attempts can succeed.
 */
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { EtcdMethods } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { MethodsOfKind, ReplyOf, RequestOf } from "../../protocols/protocol.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import type { ApiServerOptions } from "./spec.ts";

/** The request was certainly not carried out. */
const REFUSED = ["ETCD_NO_LEADER", "ETCD_NO_SPACE", "ETCD_OUT_OF_SERVICE", "ETCD_TOO_MANY_REQUESTS", "MAILBOX_FULL"];
/** Nobody knows. */
const LOST = ["ETCD_LEADER_CHANGED", "ETCD_TIMEOUT", "ACTOR_DOWN", "DEADLINE_EXCEEDED"];
/** Waiting is no help: what each member says about it is said to the client. */
const LASTING = ["ETCD_NO_SPACE"];

export interface Attempts {
  /** An attempt was lost: what is found now may be this very request's own work. */
  lost: boolean;
  /** The trace event that the call is made for, where it is not the message that is being handled. */
  readonly cause?: string;
}

export class EtcdClient {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly members: readonly Ref<EtcdMethods>[];
  private current = 0;
  private failedOverAtMs = 0;
  private probing = false;

  constructor(ctx: Context<ApiServerOptions>) {
    this.ctx = ctx;
    this.members = ctx.options.members.map((name) => ctx.ref(etcdProtocol, name));
    if (this.members.length === 0) throw new Error("an API server needs an etcd member");
  }

  /** The member to use now. */
  member(): Ref<EtcdMethods> {
    if (this.current !== 0) this.probePreferred();
    return this.members[this.current] as Ref<EtcdMethods>;
  }

  /** `failed` did not serve; others are tried first for a while. */
  failOver(failed: Ref<EtcdMethods>): void {
    if (this.members[this.current] !== failed) return;
    this.current = (this.current + 1) % this.members.length;
    this.failedOverAtMs = this.ctx.clock.monotonicMs();
  }

  /**
   * @param deadlineMs on the monotonic clock
   * @throws ETCD_… as etcd answers; the last error when the deadline passes
   */
  async call<K extends MethodsOfKind<EtcdMethods, "call">>(
    method: K,
    request: RequestOf<EtcdMethods[K]>,
    deadlineMs: number,
    attempts: Attempts = { lost: false },
  ): Promise<ReplyOf<EtcdMethods[K]>> {
    const { clock, options } = this.ctx;
    for (let failures = 0; ; failures++) {
      const member = this.member();
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) throw new InkubeError("DEADLINE_EXCEEDED", `etcd did not answer in time`, { retryable: true });
      try {
        const patienceMs = method === "range" ? options.rangeTimeoutMs : options.attemptTimeoutMs;
        const cause = attempts.cause === undefined ? {} : { cause: attempts.cause };
        return await member.call(method, request, { timeoutMs: Math.min(leftMs, patienceMs), ...cause });
      } catch (error) {
        if (hasCode(error, ...LOST)) attempts.lost = true;
        else if (!hasCode(error, ...REFUSED)) throw error;
        this.failOver(member);
        const round = Math.floor((failures + 1) / this.members.length);
        const endOfRound = (failures + 1) % this.members.length === 0;
        if (endOfRound && hasCode(error, ...LASTING)) throw error;
        const pauseMs = endOfRound ? Math.min(options.retryCapMs, options.retryBaseMs * 2 ** (round - 1)) : 0;
        if (clock.monotonicMs() + pauseMs >= deadlineMs) throw error;
        if (pauseMs > 0) await clock.sleep(pauseMs);
      }
    }
  }

  /** The preferred member gets the requests back once it has answered one, so that none waits for it in vain. */
  private probePreferred(): void {
    const { clock, options } = this.ctx;
    const [preferred] = this.members;
    if (preferred === undefined || this.probing) return;
    if (clock.monotonicMs() - this.failedOverAtMs < options.preferAgainMs) return;
    this.probing = true;
    preferred.call("readIndex", null, { timeoutMs: options.attemptTimeoutMs }).then(
      () => {
        this.probing = false;
        this.current = 0;
      },
      () => {
        this.probing = false;
        this.failedOverAtMs = clock.monotonicMs();
      },
    );
  }
}
