/** A request over HTTP on its way in: one object, which tells the stages of the pipeline and flow control what they ask of it. */
import type { AuditTrail } from "../audit.ts";
import type { Backend } from "../backend.ts";
import type { UserInfo } from "../core/identity.ts";
import type { Asked } from "../core/rest/asked.ts";
import { askedOf, isWatched } from "../core/rest/asked.ts";
import type { Location, ResourcePath } from "../core/rest/path.ts";
import type { Query } from "../core/rest/query.ts";
import { isWatch } from "../core/rest/query.ts";
import type { RequestInfo } from "../core/rest/request-info.ts";
import { isUncounted, requestInfo } from "../core/rest/request-info.ts";
import type { Entrant, FlowControl, Leave } from "../flow-control.ts";
import type { Arrival } from "../pipeline.ts";
import { PUBLIC_PATHS } from "./documents.ts";
import type { ArrivedRequest, HttpAnswer } from "./http-messages.ts";

const FLOW_SCHEMA = "x-kubernetes-pf-flowschema-uid";
const PRIORITY_LEVEL = "x-kubernetes-pf-prioritylevel-uid";

/** A subresource that may run for as long as its client likes. */
export const MAY_LAST: RegExp = /\/(?:attach|exec|log|portforward|proxy)(?:\/|$)/;

export class HttpArrival implements Arrival, Entrant {
  readonly user: UserInfo | undefined;
  readonly trail: AuditTrail | undefined;
  private readonly request: ArrivedRequest;
  private readonly answer: HttpAnswer;
  private readonly location: Location;
  private readonly query: Query;
  private readonly store: Backend["store"];
  private readonly flowControl: FlowControl;
  private known: RequestInfo | undefined;

  /** @param user who sends it */
  constructor(
    request: ArrivedRequest,
    answer: HttpAnswer,
    user: UserInfo | undefined,
    { location, query }: { readonly location: Location; readonly query: Query },
    store: Backend["store"],
    flowControl: FlowControl,
    trail: AuditTrail | undefined,
  ) {
    this.trail = trail;
    this.request = request;
    this.answer = answer;
    this.user = user;
    this.location = location;
    this.query = query;
    this.store = store;
    this.flowControl = flowControl;
  }

  get isPublic(): boolean {
    return PUBLIC_PATHS.has(this.location.path) && ["GET", "HEAD"].includes(this.request.method);
  }

  get auditId(): string {
    return this.request.auditId;
  }

  get rawHeaders(): readonly string[] {
    return this.request.rawHeaders;
  }

  asked(): Asked {
    return askedOf(this.request.method, this.location, this.query);
  }

  /** What may last for as long as its client likes takes nothing from others meanwhile. */
  enter(user: UserInfo | undefined): Leave | Promise<Leave> | undefined {
    if (MAY_LAST.test(this.location.path) && isUncounted(this.info())) return undefined;
    return this.flowControl.enter(user, this);
  }

  info(): RequestInfo {
    return (this.known ??= requestInfo(this.request.method, this.location, this.query));
  }

  objects(): number {
    const { target } = this.location;
    if (this.request.method !== "GET" || target === undefined || target.name !== undefined) return 0;
    const { info, stored } = target.served;
    if (info.storagePrefix === undefined || isContinued(target, this.query)) return 0;
    const limit = Number(this.query.get("limit"));
    // A limit below 0 is none.
    return Math.min(limit > 0 ? limit : Infinity, this.store.cache(stored.info.storagePrefix ?? "").size);
  }

  isWatch(): boolean {
    return this.request.method === "GET" && isWatch(this.query);
  }

  classified(schema: string, level: string): void {
    if (schema !== "" && level !== "") this.answer.mark({ [FLOW_SCHEMA]: schema, [PRIORITY_LEVEL]: level });
  }

  onGone(listener: () => void): void {
    this.answer.onClose(listener);
  }
}

/** A watch that begins where its client has come to; such a one brings nothing of what there is. */
function isContinued(target: ResourcePath, query: Query): boolean {
  const from = query.get("resourceVersion") ?? "";
  return isWatched(target, query) && from !== "" && from !== "0";
}
