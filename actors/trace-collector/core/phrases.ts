/** Events in the words of a person: as part of a sentence, and as a line of a chain. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { fieldOf, isSent } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";

/** `times`: how often it has happened; `isAgain`: what has ended runs again. */
export function phraseOf(record: TraceRecord, event: TraceEvent, times: number = 1, isAgain: boolean = false): string {
  const { kind, actor, detail, subject } = event;
  const name = nameIn(subject);
  const field = (of: string): string => fieldOf(event, of);
  switch (kind) {
    case "kill":
      return `${subject} was killed`;
    case "fault":
      return faultPhrase(event);
    case "asked":
      return `the cluster was asked to ${field("do")} ${subject}`;
    case "timer":
      return `it was time (${subject})`;
    case "start":
      return `${subject} was started`;
    case "crash":
      return `${subject} broke down${detail === "" ? "" : ` (${detail.replace(/^[a-z]+=/i, "")})`}`;
    case "down":
      return `${subject} ended (${field("reason") || detail})`;
    case "node-lost":
      return `node ${name} is lost`;
    case "node.status":
      return `node ${name} is ${field("ready") === "true" ? "" : "not "}ready`;
    case "pod.status":
      return `${name} is ${field("phase")}${field("ready") === "true" ? " and ready" : ""}`;
    case "leader-elected":
      return `${actor} leads ${name}`;
    case "leader-known":
      return `${field("leader") || "a new member"} leads etcd`;
    case "unschedulable":
      return `${name} waits: none of ${field("nodes")} nodes takes it (${detail.replace(/^nodes=\d+ ?/, "")})`;
    case "scheduled":
      return `${name} is on ${field("node")}`;
    case "probe.failed": {
      const fails = `the ${field("probe")} probe of its container ${field("container")} fails (${rest(detail, "output")})`;
      return field("probe") === "readiness" ? `${name} is not ready: ${fails}` : fails;
    }
    case "container.failed":
      return `${name} does not start: its container ${field("container")} failed ${often(times)}: ${failureOf(event)}`;
    case "container.stopped":
      return `${name} ${isAgain ? "runs again" : field("exitCode") === "0" ? "ended" : "crashes"}: its container ${field("container")} has ended ${often(times)}, last with exit code ${field("exitCode")}`;
    case "pod-evicted":
      return `${name} was evicted from ${field("node")}`;
    case "pod-collected":
    case "garbage-collected":
      return `${name} was deleted by the garbage collection`;
    case "object.flipped":
      return `a fault of the plan (${field("fault")}) changed ${subject} (${field("change")})`;
    case "write":
      return field("action") === "remove" ? `${name} was deleted` : `${name} is there`;
    default:
      return isRequest(event) ? requestPhrase(record, event) : `${kind} of ${subject}`;
  }
}

/** What the actor did, or what happened to it, without its name: it stands before it in the line. */
export function lineOf(record: TraceRecord, event: TraceEvent): string {
  const { kind, subject, detail } = event;
  const field = (of: string): string => fieldOf(event, of);
  switch (kind) {
    case "kill":
      return `killed ${subject}`;
    case "asked":
      return `was asked to ${field("do")} ${subject}`;
    case "start":
      return "started";
    case "write":
      return `${writePhrase(record, event)} (revision ${field("revision")})`;
    case "reconcile":
      return `reconciled ${subject.replace("/", " ")}`;
    case "scheduled":
      return `chose ${field("node")} for ${subject}${verdictsOf(detail)}`;
    case "unschedulable":
      return `found no node for ${subject}: ${detail.replace(/^nodes=(\d+) ?/, "of $1 nodes ")}`;
    case "leader-elected":
      return `leads ${subject}`;
    case "pod.admitted":
      return `took up ${subject}`;
    case "pod.status":
      return `says that ${subject} is ${field("phase")}${field("ready") === "true" ? " and ready" : ""}`;
    case "container.created":
      return `made container ${field("container")} of ${subject}`;
    case "container.listening":
      return `container ${field("container")} of ${subject} listens`;
    case "container.deleted":
      return `took away container ${field("container")} of ${subject}`;
    case "container.started":
      return `started container ${field("container")} of ${subject}`;
    case "container.stopped":
      return `container ${field("container")} of ${subject} ended with exit code ${field("exitCode")}`;
    case "container.failed":
      return `container ${field("container")} of ${subject} failed: ${failureOf(event)}`;
    case "probe.failed":
      return `${field("probe")} probe of container ${field("container")} of ${subject} failed: ${rest(detail, "output")}`;
    case "pod-evicted":
      return `evicted ${subject} from ${field("node")}`;
    case "pod-collected":
      return `deleted ${subject}: ${rest(detail, "why")}`;
    case "garbage-collected":
      return `deleted ${subject}${field("owner") === "" ? "" : `: its owner ${field("owner")} is gone`}`;
    case "timer":
      return `it was time for: ${subject}`;
    case "linked":
      return `${subject} is of the trace ${(field("also") || event.cause).split("-")[1] ?? ""}`;
    case "down":
    case "node-lost":
    case "node.status":
    case "leader-known":
    case "fault":
      return phraseOf(record, event);
    default:
      if (isRequest(event)) return requestLine(record, event);
      return `${kind} ${subject}${detail === "" ? "" : ` (${detail})`}`;
  }
}

/** `kubernetes-admin created deployments/default/web`. */
export function writePhrase(record: TraceRecord, event: TraceEvent, called: string = event.subject): string {
  const { subject } = event;
  const user = fieldOf(event, "user") || "somebody";
  if (fieldOf(event, "action") === "remove") return `${user} deleted ${called}`;
  const before = record.about(subject).findLast(({ kind, lamport }) => kind === "write" && lamport < event.lamport);
  const isNew = before === undefined ? isFirstVersion(record, event, subject) : fieldOf(before, "action") === "remove";
  return `${user} ${isNew ? "created" : isDeleting(record, event) ? "asked to delete" : "changed"} ${called}`;
}

/** Where the record has the objects, it knows better than by what it has of their writes. */
function isFirstVersion(record: TraceRecord, event: TraceEvent, subject: string): boolean {
  const first = record.versionsOf(subject)[0];
  return first === undefined || first.revision >= Number(fieldOf(event, "revision"));
}

function isDeleting(record: TraceRecord, event: TraceEvent): boolean {
  const revision = Number(fieldOf(event, "revision"));
  const versions = record.versionsOf(event.subject);
  const at = versions.findLastIndex((version) => version.revision === revision);
  const marked = (index: number): boolean => versions[index]?.object?.metadata?.deletionTimestamp !== undefined;
  return at >= 0 && marked(at) && !marked(at - 1);
}

function requestLine(record: TraceRecord, event: TraceEvent): string {
  const written = writtenBy(record, event);
  return written === undefined ? requestPhrase(record, event) : lineOf(record, written);
}

/** What a request wrote; Kubernetes' own events are only said beside it. */
export function writtenBy(record: TraceRecord, event: TraceEvent): TraceEvent | undefined {
  return record.writesOf(event).find(({ subject }) => !subject.startsWith("events/"));
}

function requestPhrase(record: TraceRecord, event: TraceEvent): string {
  const written = writtenBy(record, event);
  if (written !== undefined) return writePhrase(record, written);
  if (isSent(event)) return `${event.peer} asked for it`;
  return `${fieldOf(event, "user")} asked to ${event.kind.slice("request.".length)} ${event.subject}`;
}

/** `web-1`, of `pods/default/web-1`. */
export function nameIn(subject: string): string {
  return subject.slice(subject.lastIndexOf("/") + 1);
}

/** A user's, or of another actor that has no other event to stand for it. */
export function isRequest({ kind }: TraceEvent): boolean {
  return kind === "call" || kind.startsWith("request.");
}

function faultPhrase(event: TraceEvent): string {
  const id = fieldOf(event, "fault");
  const kind = fieldOf(event, "kind");
  if (id !== "") return `a fault of the plan (${id}, ${kind}) struck ${event.subject}`;
  const what = rest(event.detail, "what");
  return `a fault of the plan (${event.subject}, ${kind})${what === "" ? "" : ` ${what}`}`;
}

/** `gone:2: not found (IMAGE_NOT_FOUND)`. */
function failureOf(event: TraceEvent): string {
  // What follows the first sentence says what to do about it.
  const [said = ""] = rest(event.detail, "error").split(/\.\s/);
  return `${said} (${fieldOf(event, "code")})`;
}

function verdictsOf(detail: string): string {
  const others = detail.replace(/^node=[^ ]* feasible=\d+ ?/, "");
  return others === "" ? "" : ` (others: ${others})`;
}

/** The last field, which may have blanks. */
function rest(detail: string, name: string): string {
  const at = detail.indexOf(`${name}=`);
  return at < 0 ? "" : detail.slice(at + name.length + 1);
}

function often(times: number): string {
  return times === 1 ? "once" : `${times} times`;
}
