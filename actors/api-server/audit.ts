/**
 * The audit log: what its policy keeps of each request goes to the sink, stage by stage. Where there is no policy there is nothing of it.
 * Source: apiserver `endpoints/filters/audit.go`, for the stages and what is told in which.
 */
import type { Context } from "../../runtime/actor.ts";
import { formatMicroTime } from "../../runtime/clock.ts";
import type { Metric, Value } from "../../runtime/metrics/metrics.ts";
import type { AuditEvent, AuditStatus } from "./core/audit/event.ts";
import { auditStatus, auditUser, objectReference, told } from "./core/audit/event.ts";
import type { AuditedRequest, AuditPolicy, AuditStage, AuditTerms } from "./core/audit/policy.ts";
import { AuditRules } from "./core/audit/policy.ts";
import type { UserInfo } from "./core/identity.ts";

/** What a server is started with, to keep an audit log. */
export interface AuditOptions {
  readonly policy: AuditPolicy;
  /** Several servers may write to one file; or `STANDARD_OUTPUT`. */
  readonly path: string;
  /** Days that a file is kept which is no longer written to; 0: for ever. */
  readonly maxAgeDays: number;
  /** Such files that are kept; 0: all. */
  readonly maxBackups: number;
  /** From which size on another file is begun; 0: never. */
  readonly maxBytes: number;
}

/** In place of a path: the program's own, as of kube-apiserver's `--audit-log-path`. */
export const STANDARD_OUTPUT = "-";

/** Where events go. It waits for nobody: what finds no room is lost, and told to `onLost`. */
export interface AuditSink {
  /** @param line with its end */
  write(line: string): void;
  /** Resolves when all that was given is written, or lost. */
  close(): Promise<void>;
}

export type OpenAuditLog = (options: AuditOptions, onLost: (events: number, why: string) => void) => AuditSink;

/** Where there is no file system. */
export const noAuditLog: OpenAuditLog = () => {
  throw new Error("an audit log needs a file system");
};

/** What a door knows of a request from the beginning. */
export interface AuditSource {
  readonly auditId: string;
  readonly requestURI: string;
  readonly userAgent: string;
  readonly sourceIPs: () => readonly string[];
  readonly request: () => AuditedRequest;
  /** It may last for as long as its client likes. */
  readonly isLong: boolean;
  /** The JSON value that the request brings; undefined where it brings none, or none that can be read. */
  readonly body: () => unknown;
}

export class Auditor {
  private readonly ctx: Pick<Context, "clock" | "log">;
  private readonly rules: AuditRules;
  private readonly sink: AuditSink;
  private readonly events: Value;
  private readonly levels: Metric<Value>;

  constructor(ctx: Pick<Context, "clock" | "log" | "metrics">, options: AuditOptions, open: OpenAuditLog) {
    const { metrics, log } = ctx;
    const errors = metrics
      .counter("apiserver_audit_error_total", "Events that the log has no room for, and are lost.", ["plugin"])
      .of("log");
    this.ctx = ctx;
    this.rules = new AuditRules(options.policy);
    this.events = metrics.counter("apiserver_audit_event_total", "Events of the audit log.").of();
    this.levels = metrics.counter("apiserver_audit_level_total", "Requests by how much the policy keeps of them.", [
      "level",
    ]);
    this.sink = open(options, (events, why) => {
      errors.add(events);
      log.warn("audit events are lost", { events, why });
    });
  }

  trail(source: AuditSource): AuditTrail {
    return new AuditTrail(this, source, this.now());
  }

  termsFor(request: AuditedRequest, user: UserInfo | undefined): AuditTerms {
    const terms = this.rules.termsFor(request, user);
    this.levels.of(terms.level).inc();
    return terms;
  }

  write(event: AuditEvent): void {
    this.events.inc();
    this.sink.write(`${JSON.stringify(event)}\n`);
  }

  now(): string {
    return formatMicroTime(this.ctx.clock.nowMs());
  }

  close(): Promise<void> {
    return this.sink.close();
  }
}

/** One request on its way through the stages. */
export class AuditTrail {
  private readonly auditor: Auditor;
  private readonly source: AuditSource;
  private readonly receivedAt: string;
  private request: AuditedRequest | undefined;
  private terms: AuditTerms | undefined;
  private user: UserInfo | undefined;
  /** Taken while the client is there. */
  private sourceIPs: readonly string[] = [];
  private impersonated: UserInfo | undefined;
  private isAuthorized = false;
  private isRefused = false;
  private isOver = false;
  private responseStatus: AuditStatus | undefined;
  private responseObject: unknown;

  constructor(auditor: Auditor, source: AuditSource, receivedAt: string) {
    this.auditor = auditor;
    this.source = source;
    this.receivedAt = receivedAt;
  }

  /** It is known who asks. */
  received(user: UserInfo): void {
    this.user = user;
    this.begin(user);
    this.tell("RequestReceived");
  }

  /** Nothing vouches for anybody. */
  unauthenticated(): void {
    this.isRefused = true;
    this.begin(undefined);
  }

  impersonatedAs(user: UserInfo): void {
    this.impersonated = user;
  }

  authorized(): void {
    this.isAuthorized = true;
  }

  /** Whether the answer with this status is to be read. Of a Status more is told than its code. */
  wantsBody(code: number): boolean {
    const { terms, request } = this;
    if (terms === undefined || terms.level === "None") return false;
    return terms.level === "RequestResponse" || code >= HTTP_BAD_REQUEST || request?.verb.startsWith("delete") === true;
  }

  /** As `wantsBody`, of an answer that is put together while its client reads it. */
  wantsStream(code: number): boolean {
    return !this.source.isLong && this.wantsBody(code);
  }

  /** The answer's head, and its body as a JSON value where that is known by then. */
  answered(code: number, body?: unknown): void {
    this.responseStatus = auditStatus(code, body);
    this.responseObject = body;
    if (this.isRefused || this.source.isLong) this.tell("ResponseStarted");
  }

  /** A fault of the server's own. */
  panicked(why: string): void {
    const message = `APIServer panic'd: ${why}`;
    this.responseStatus = {
      metadata: {},
      status: "Failure",
      message,
      reason: "InternalError",
      code: HTTP_SERVER_ERROR,
    };
    this.end("Panic");
  }

  completed(): void {
    // As of a connection that becomes another one's.
    this.responseStatus ??= { metadata: {}, status: "Success", message: "Connection closed early", code: HTTP_OK };
    this.end("ResponseComplete");
  }

  private begin(user: UserInfo | undefined): void {
    this.request = this.source.request();
    this.terms = this.auditor.termsFor(this.request, user);
    if (this.terms.level !== "None") this.sourceIPs = this.source.sourceIPs().filter((address) => address !== "");
  }

  private end(stage: AuditStage): void {
    if (this.isOver || this.isRefused) return;
    this.isOver = true;
    this.tell(stage);
  }

  private tell(stage: AuditStage): void {
    const { terms, request } = this;
    if (terms === undefined || request === undefined || terms.level === "None" || terms.omitStages.has(stage)) return;
    this.auditor.write(this.event(stage, terms, request));
  }

  private event(stage: AuditStage, terms: AuditTerms, { verb, resource }: AuditedRequest): AuditEvent {
    const { source, auditor, impersonated, responseStatus, sourceIPs } = this;
    const isReceived = stage === "RequestReceived";
    const sent = isReceived || resource === undefined ? undefined : source.body();
    const bodies = isReceived || resource === undefined ? {} : this.bodies(terms, resource, sent);
    return {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: terms.level,
      auditID: source.auditId,
      stage,
      requestURI: source.requestURI,
      verb,
      user: auditUser(this.user),
      ...(impersonated === undefined ? {} : { impersonatedUser: auditUser(impersonated) }),
      ...(sourceIPs.length === 0 ? {} : { sourceIPs }),
      ...(source.userAgent === "" ? {} : { userAgent: source.userAgent }),
      ...(resource === undefined ? {} : { objectRef: objectReference(resource, isDeletion(verb) ? undefined : sent) }),
      ...(responseStatus === undefined ? {} : { responseStatus }),
      ...bodies,
      requestReceivedTimestamp: this.receivedAt,
      stageTimestamp: auditor.now(),
      ...(this.isAuthorized ? { annotations: ALLOWED } : {}),
    };
  }

  private bodies(
    terms: AuditTerms,
    resource: NonNullable<AuditedRequest["resource"]>,
    sent: unknown,
  ): Pick<AuditEvent, "requestObject" | "responseObject"> {
    const { level, omitManagedFields } = terms;
    if (level === "Metadata") return {};
    const { responseObject } = this;
    const wantsAnswer = level === "RequestResponse" && responseObject !== undefined;
    return {
      ...(sent === undefined ? {} : { requestObject: told(sent, resource, omitManagedFields) }),
      ...(wantsAnswer ? { responseObject: told(responseObject, resource, omitManagedFields) } : {}),
    };
  }
}

const HTTP_OK = 200;
const HTTP_BAD_REQUEST = 400;
const HTTP_SERVER_ERROR = 500;
const ALLOWED = { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" };

/** The metadata of DeleteOptions is nobody's. */
function isDeletion(verb: string): boolean {
  return verb.startsWith("delete");
}
