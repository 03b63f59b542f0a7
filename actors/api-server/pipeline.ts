/**
 * What every request passes before it is dispatched, in one order for both doors: that of apiserver's
 * `DefaultBuildHandlerChain`. A stage looks at the arrival alone, and throws the Status that refuses it.
 */
import type { Context } from "../../runtime/actor.ts";
import type { AuditTrail } from "./audit.ts";
import type { Caller } from "./caller.ts";
import type { UserInfo } from "./core/identity.ts";
import { NOBODY } from "./core/identity.ts";
import { unauthorized } from "./core/machinery/status.ts";
import type { Asked } from "./core/rest/asked.ts";
import { impersonated } from "./core/rest/impersonation.ts";
import type { RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";
import { TRACEPARENT } from "../../runtime/trace/traceparent.ts";

export interface Arrival {
  /** Undefined where nothing vouches for anybody. */
  readonly user: UserInfo | undefined;
  /** Anyone may ask. */
  readonly isPublic: boolean;
  /** Where it waits for a seat; the actors of the cluster have a mailbox with a bound of its own. */
  readonly gate: Gate | undefined;
  /** By which it is found again in whatever was recorded: the header Audit-Id; of a message the trace event it is the work of. */
  readonly auditId: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** What it is about, for who is refused. */
  readonly asked: () => Asked;
  /** Where it is told of in the audit log; undefined where there is none. */
  readonly trail?: AuditTrail | undefined;
}

/** Flow control for one request. @throws what it is refused with; @returns how its seat is left, a promise where it has to wait */
export type Gate = (user: UserInfo | undefined) => (() => void) | Promise<() => void>;

/** What is known of a request after it. */
type Stage = (arrival: Arrival) => Arrival;

function authenticate(arrival: Arrival): Arrival {
  if (arrival.user !== undefined || arrival.isPublic) return arrival;
  arrival.trail?.unauthenticated();
  throw unauthorized();
}

/** Who really asks is known, and not yet on whose behalf. */
function audit(arrival: Arrival): Arrival {
  arrival.trail?.received(arrival.user ?? NOBODY);
  return arrival;
}

function impersonate(arrival: Arrival): Arrival {
  const { user: caller, rawHeaders, asked } = arrival;
  const user = impersonated(caller, rawHeaders, asked);
  if (user === caller) return arrival;
  if (user !== undefined) arrival.trail?.impersonatedAs(user);
  return { ...arrival, user };
}

/** Who is known may do everything: the rules of RBAC are stored, and nobody asks them yet. */
function authorize(arrival: Arrival): Arrival {
  arrival.trail?.authorized();
  return arrival;
}

const beforeFlow: Stage = (arrival) => impersonate(audit(authenticate(arrival)));
const behindFlow: Stage = authorize;

/** What a client says of a request besides what it asks for. */
export interface Asker {
  /** How long it waits. */
  readonly timeoutMs?: number;
  readonly caller?: Caller;
  /** Of the trace that it says it is part of. */
  readonly traceparent?: string | undefined;
}

/** Verbs that can cause something. */
const WRITES: readonly string[] = ["create", "update", "patch", "delete", "deletecollection"];

export class Pipeline {
  private readonly ctx: Context<ApiServerOptions>;

  constructor(ctx: Context<ApiServerOptions>) {
    this.ctx = ctx;
  }

  /**
   * @param work is given whose request it is by then
   * @throws what a stage refuses the request with, or what `work` throws
   */
  async run<T>(arrival: Arrival, work: (user: UserInfo | undefined) => Promise<T> | T): Promise<T> {
    const known = beforeFlow(arrival);
    const entered = known.gate?.(known.user);
    const leave = entered instanceof Promise ? await entered : entered;
    try {
      const { user } = behindFlow(known);
      return await work(user);
    } finally {
      leave?.();
    }
  }

  /**
   * On whose behalf, and for how long, a request is carried out; its arrival is recorded as the cause of what it changes, with
   * the ID by which its client knows it.
   */
  scope(
    user: UserInfo,
    verb: string,
    path: string,
    auditId: string,
    { timeoutMs = Infinity, caller, traceparent = "" }: Asker = {},
  ): RequestScope {
    const { clock, options, trace } = this.ctx;
    const nowMs = clock.monotonicMs();
    const outside = TRACEPARENT.test(traceparent) ? traceparent : "";
    // Each field by its name: what is spread and then added to takes microseconds, and every request has a scope.
    const { user: name, groups, uid, extra } = user;
    return {
      user: name,
      groups,
      uid,
      extra,
      caller,
      deadlineMs: nowMs + Math.min(timeoutMs, options.requestTimeoutMs),
      workDeadlineMs: nowMs + Math.min(timeoutMs, options.workTimeoutMs),
      // Reads cause nothing, and there are thousands of them a second.
      cause: WRITES.includes(verb) ? trace.event(`request.${verb}`, path, { user: name, auditId }, outside) : "",
    };
  }
}
