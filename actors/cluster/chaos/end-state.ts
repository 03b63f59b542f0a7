/**
 * The objects of a cluster as they are compared between two runs. What the control plane makes up differs with timing and
 * stands for what it names: a generated name, a uid, an address, a time, a revision. Each is replaced by what it names;
 * everything else is compared as it is.
 */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { History, State } from "./history.ts";

export interface EndState {
  /** Canonical JSON by `ConfigMap default/web`; of a generated name `ConfigMap default/web-*`, one entry each. */
  readonly objects: ReadonlyMap<string, readonly string[]>;
  /** How often what had that name was created and deleted on the way, by the same names. */
  readonly lives: ReadonlyMap<string, Lives>;
}

export interface Lives {
  readonly births: number;
  readonly deaths: number;
}

export interface Difference {
  /** `extra`: there is one more than in the reference. */
  readonly type: "missing" | "extra" | "changed";
  readonly subject: string;
  readonly text: string;
  /** Canonical JSON of what is there in the reference and now; undefined: nothing. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What is each cluster's own business: it says when something happened, not what has become of it. */
const UNCOMPARED: readonly string[] = ["Event", "Lease"];
/** Of the control plane itself. */
const OWN_NAMESPACES = /^kube-/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** Why a node has failed a pod that it could not keep: a record of what happened, as an Event is. */
const EVICTED = "Evicted";
/** What a kubelet tells of how things came to be so: how often a container was started, and as which one it runs. */
const TOLD_BY_KUBELETS: readonly string[] = ["restartCount", "lastState", "containerID"];
/** Where a pod has come to is its scheduler's business; what it is bound to by its own wish stands elsewhere in its spec. */
const PLACES: readonly string[] = ["nodeName", "hostIP", "hostIPs"];
const PLACED: readonly string[] = ["Pod", "EndpointSlice", "Endpoints"];
const OF_PLACED: readonly string[] = [...TOLD_BY_KUBELETS, ...PLACES];
/** A volume that the API server adds to a pod under a name of its own. */
const OWN_VOLUME = /^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/;
/** Of metadata: who wrote what when, and how often. */
const BOOKKEEPING: readonly string[] = ["resourceVersion", "managedFields", "generation", "selfLink"];
const TEXT_MAX = 300;

/** Of what has changed since the workload began: the rest is as both runs found it. */
export function endStateOf(history: History): EndState {
  const state = history.stateAt();
  const touched = new Set<string>();
  for (const { atMs, object } of history.changes) if (atMs >= history.beganMs) touched.add(keyOf(object));
  const names = new Names(state);
  const found = new Map<string, string[]>();
  for (const { object } of state.changes()) {
    // Nodes are written to in every run, sooner or later.
    if (!(touched.has(keyOf(object)) || object.kind === "Node") || !isCompared(object)) continue;
    const subject = names.subject(object);
    const text = JSON.stringify(names.canonical(object));
    const known = found.get(subject);
    if (known === undefined) found.set(subject, [text]);
    else known.push(text);
  }
  for (const texts of found.values()) texts.sort(ascending);
  return { objects: new Map([...found].sort(([left], [right]) => ascending(left, right))), lives: livesOf(history) };
}

function livesOf({ changes, beganMs }: History): EndState["lives"] {
  const lives = new Map<string, { births: number; deaths: number }>();
  for (const { atMs, type, object } of changes) {
    if (atMs < beganMs || type === "updated" || !isCompared(object)) continue;
    const { kind = "", metadata: { name = "", generateName, namespace } = {} } = object;
    const isGenerated = generateName !== undefined && name.startsWith(generateName);
    const canonical = isGenerated ? `${generateName}*` : name;
    const subject = `${kind} ${namespace === undefined ? canonical : `${namespace}/${canonical}`}`;
    const known = lives.get(subject) ?? { births: 0, deaths: 0 };
    lives.set(subject, known);
    if (type === "created") known.births++;
    else known.deaths++;
  }
  return lives;
}

export function differencesOf(reference: EndState, now: EndState): readonly Difference[] {
  const differences: Difference[] = [];
  const subjects = [...new Set([...reference.objects.keys(), ...now.objects.keys()])].sort(ascending);
  for (const subject of subjects) {
    const wanted = [...(reference.objects.get(subject) ?? [])];
    const there: string[] = [];
    for (const text of now.objects.get(subject) ?? []) {
      const same = wanted.indexOf(text);
      if (same < 0) there.push(text);
      else wanted.splice(same, 1);
    }
    const pairs = Math.max(wanted.length, there.length);
    for (let index = 0; index < pairs; index++) {
      const [before, after] = [wanted[index], there[index]];
      const both = { subject, before, after };
      if (before === undefined) differences.push({ type: "extra", text: `extra: ${subject}`, ...both });
      else if (after === undefined) differences.push({ type: "missing", text: `missing: ${subject}`, ...both });
      else {
        const where = firstDifference(JSON.parse(before), JSON.parse(after), "");
        differences.push({ type: "changed", text: `changed: ${subject} at ${where}`, ...both });
      }
    }
  }
  return differences;
}

/** Who has a generated name, a uid or an address, and what each of these is replaced by. */
class Names {
  /** Whole texts. */
  private readonly values = new Map<string, string>();
  /** Generated names, also within other texts; the longest first. */
  private readonly generated: (readonly [name: string, canonical: string])[] = [];

  constructor(state: State) {
    for (const { object } of state.changes()) {
      const { name = "", generateName } = object.metadata ?? {};
      if (generateName !== undefined && name.startsWith(generateName)) this.generated.push([name, `${generateName}*`]);
    }
    this.generated.sort(([left], [right]) => right.length - left.length || ascending(left, right));
    for (const { object } of state.changes()) {
      const subject = this.subject(object);
      if (object.metadata?.uid !== undefined) this.values.set(object.metadata.uid, `uid of ${subject}`);
      for (const address of addressesOf(object)) this.values.set(address, `address of ${subject}`);
    }
  }

  subject({ kind = "", metadata }: KubernetesObject): string {
    const name = this.text(metadata?.name ?? "");
    return `${kind} ${metadata?.namespace === undefined ? name : `${metadata.namespace}/${name}`}`;
  }

  canonical(object: KubernetesObject): unknown {
    const metadata = Object.entries(object.metadata ?? {}).filter(([field]) => !BOOKKEEPING.includes(field));
    const kept = { ...object, metadata: Object.fromEntries(metadata) };
    // A node tells in its status that it lives; what is wanted of it stands elsewhere.
    if (object.kind === "Node") return this.value(withoutEmpty({ ...kept, status: undefined }), []);
    return this.value(kept, PLACED.includes(object.kind ?? "") ? OF_PLACED : []);
  }

  /** `left`: names of fields that are left out. */
  private value(value: unknown, left: readonly string[]): unknown {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((each) => this.value(each, left));
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value).filter(([field]) => field !== "observedGeneration" && !left.includes(field));
    fields.sort(([one], [other]) => ascending(one, other));
    return Object.fromEntries(fields.map(([field, each]) => [this.text(field), this.value(each, left)]));
  }

  private text(text: string): string {
    const known = this.values.get(text);
    if (known !== undefined) return known;
    if (TIME.test(text)) return "a time";
    if (OWN_VOLUME.test(text)) return "kube-api-access-*";
    if (/^[a-z-]+:\/\/\S+$/.test(text) && text.startsWith("inkube://")) return "a container";
    let named = text;
    for (const [name, canonical] of this.generated) {
      if (named.includes(name)) named = named.split(name).join(canonical);
    }
    return named;
  }
}

function addressesOf(object: KubernetesObject): readonly string[] {
  const { status, spec } = object as {
    readonly status?: { readonly podIP?: string };
    readonly spec?: { readonly clusterIP?: string };
  };
  return [status?.podIP, spec?.clusterIP].filter(
    (each) => each !== undefined && each !== "None" && each !== "",
  ) as string[];
}

function isCompared(object: KubernetesObject): boolean {
  const { kind = "", metadata } = object;
  if (kind === "Pod" && (object as Pod).status?.reason === EVICTED) return false;
  return !UNCOMPARED.includes(kind) && !OWN_NAMESPACES.test(metadata?.namespace ?? "");
}

/** Where something was and is no more, an empty list or object may stay. */
function withoutEmpty(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === "object" && each !== null && Object.keys(each).length === 0 ? undefined : each,
    ),
  );
}

function keyOf({ apiVersion = "", kind = "", metadata }: KubernetesObject): string {
  return `${apiVersion} ${kind} ${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
}

/** Path, and what is there in both. */
function firstDifference(before: unknown, after: unknown, path: string): string {
  if (isObject(before) && isObject(after)) {
    for (const field of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(ascending)) {
      if (JSON.stringify(before[field]) !== JSON.stringify(after[field])) {
        return firstDifference(before[field], after[field], path === "" ? field : `${path}.${field}`);
      }
    }
  }
  return `${path}: ${told(after)}, in the reference ${told(before)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function told(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

function ascending(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
