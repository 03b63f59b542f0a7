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
import type { Leave } from "./flow-control.ts";
import type { RequestScope } from "./registry.ts";
import type { ApiServerOptions } from "./spec.ts";
import { TRACEPARENT } from "../../protocols/traceparent.ts";

export interface Arrival {
  /** Undefined where nothing vouches for anybody. */
  readonly user: UserInfo | undefined;
  /** Anyone may ask. */
  readonly isPublic: boolean;
  /** By which it is found again in whatever was recorded: the header Audit-Id; of a message the trace event it is the work of. */
  readonly auditId: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** What it is about, for who is refused. */
  asked(): Asked;
  /**
   * Flow control: a promise where it has to wait for a seat, undefined where it takes none. The actors of the cluster have a mailbox
   * with a bound of its own.
   * @throws what it is refused with
   */
  enter(user: UserInfo | undefined): Leave | Promise<Leave> | undefined;
  /** Where it is told of in the audit log; undefined where there is none. */
  readonly trail?: AuditTrail | undefined;
}

/** One that has been let in. */
export interface Entered {
  /** On whose behalf it is carried out. */
  readonly user: UserInfo | undefined;
  /** To be called when it is over. */
  readonly leave: Leave;
}

/** @returns on whose behalf a request is made after it */
type Stage = (arrival: Arrival, user: UserInfo | undefined) => UserInfo | undefined;

function authenticate({ isPublic, trail }: Arrival, user: UserInfo | undefined): UserInfo | undefined {
  if (user !== undefined || isPublic) return user;
  trail?.unauthenticated();
  throw unauthorized();
}

/** Who really asks is known, and not yet on whose behalf. */
function audit({ trail }: Arrival, user: UserInfo | undefined): UserInfo | undefined {
  trail?.received(user ?? NOBODY);
  return user;
}

function impersonate(arrival: Arrival, caller: UserInfo | undefined): UserInfo | undefined {
  const user = impersonated(caller, arrival.rawHeaders, arrival);
  if (user !== undefined && user !== caller) arrival.trail?.impersonatedAs(user);
  return user;
}

/** Who is known may do everything: the rules of RBAC are stored, and nobody asks them yet. */
function authorize({ trail }: Arrival, user: UserInfo | undefined): UserInfo | undefined {
  trail?.authorized();
  return user;
}

const beforeFlow: Stage = (arrival, user) => impersonate(arrival, audit(arrival, authenticate(arrival, user)));
const behindFlow: Stage = authorize;

function enteredBy(arrival: Arrival, user: UserInfo | undefined, leave: Leave = () => undefined): Entered {
  try {
    return { user: behindFlow(arrival, user), leave };
  } catch (error) {
    leave();
    throw error;
  }
}

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
    const entering = this.enter(arrival);
    const { user, leave } = entering instanceof Promise ? await entering : entering;
    try {
      return await work(user);
    } finally {
      leave();
    }
  }

  /**
   * As `run`, of what is to be done by whoever asks.
   * @throws what a stage refuses the request with
   */
  enter(arrival: Arrival): Entered | Promise<Entered> {
    const user = beforeFlow(arrival, arrival.user);
    const leave = arrival.enter(user);
    if (leave instanceof Promise) return leave.then((late) => enteredBy(arrival, user, late));
    return enteredBy(arrival, user, leave);
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
