/**
 * Asks an API server what a client has asked of another, as it stands in a recording of `record-manager.mjs`. What the recorded
 * server gave out (uids, versions, times of creation) is replaced by what this one gave out for the same.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { connect } from "node:http2";
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { until } from "../fixtures/until.ts";
import { differences, general } from "./exchange.mjs";
import { inOneOrder } from "./order.ts";
import type { WatchedEvent } from "./wire.ts";
import { essential, readBody, readEvents, writeBody } from "./wire.ts";

/** An exchange, or the moment at which all connections broke. */
export interface Entry {
  readonly cut?: true;
  /** `METHOD /path?query`. */
  readonly do: string;
  readonly agent: string;
  readonly accept: string;
  readonly sentType?: string;
  readonly sent?: unknown;
  readonly status: number;
  readonly type: string;
  readonly warning?: string;
  readonly body?: unknown;
  /** Of a watch. */
  readonly events?: readonly WatchedEvent[];
}

interface Watch {
  readonly title: string;
  readonly expected: readonly WatchedEvent[];
  readonly seen: WatchedEvent[];
}

type Plain = Readonly<Record<string, unknown>>;
type Metadata = NonNullable<KubernetesObject["metadata"]>;

const UID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export class Replay {
  /** Where answers differ from the recorded ones. */
  readonly found: string[] = [];
  private readonly url: string;
  private readonly authority: string;
  private readonly token: string;
  /** What is general in an answer, besides what is so everywhere. */
  private readonly namespace: string;
  private session: ClientHttp2Session | undefined;
  private watches: Watch[] = [];
  /** By what the recorded server gave out. */
  private readonly uids = new Map<string, string>();
  private readonly versions = new Map<string, string>();
  /** By uid, of this server. */
  private readonly latest = new Map<string, Metadata>();

  constructor(server: { readonly url: string; readonly authority: string; readonly token: string }, namespace: string) {
    this.url = server.url;
    this.authority = server.authority;
    this.token = server.token;
    this.namespace = namespace;
  }

  async ask(entry: Entry, index: number): Promise<void> {
    const title = `${index} ${entry.do}`;
    const stream = await this.send(entry);
    const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
      stream.on("response", resolve);
      stream.on("error", reject);
    });
    const type = headers["content-type"] ?? "";
    const { status, warning, events } = entry;
    const got = Number(headers[":status"]);
    const head = { status: got, type, ...(headers["warning"] === undefined ? {} : { warning: headers["warning"] }) };
    const expected = { status, type: entry.type, ...(warning === undefined ? {} : { warning }) };
    this.compare(title, expected, head);
    if (events !== undefined && got === 200) this.follow({ title, expected: events, seen: [] }, type, stream);
    else {
      const body = essential(readBody(type, await wholeOf(stream)));
      this.learn(entry.body, body);
      this.compare(title, entry.body, body);
    }
  }

  /** Until each watch has told as much as the recorded one. */
  async caughtUp(): Promise<void> {
    for (const { title, expected, seen } of this.watches) {
      await until(`${title} tells of ${expected.length} events`, () => seen.length >= expected.length);
    }
  }

  /** Compares what the watches have told, and ends those that go on. */
  endWatches(): void {
    for (const { title, expected, seen } of this.watches) {
      this.compare(title, expected, seen);
      const revisions = seen.map(({ object }) => Number(object.metadata?.resourceVersion));
      const ordered = revisions.every((revision, at) => at === 0 || revision > (revisions[at - 1] ?? 0));
      if (!ordered) this.found.push(`${title}: revisions ${revisions.join()}`);
    }
    this.watches = [];
    this.session?.destroy();
    this.session = undefined;
  }

  private compare(title: string, expected: unknown, got: unknown): void {
    const [one, other] = [expected, got].map((value) => inOneOrder(general(value, this.namespace)));
    this.found.push(...differences(one, other).map((difference) => `${title} | ${difference}`));
  }

  private async send(entry: Entry): Promise<ClientHttp2Stream> {
    const [method = "", path = ""] = entry.do.split(" ");
    const { sentType, sent } = entry;
    const body = sentType === undefined ? undefined : writeBody(sentType, await this.translated(sent));
    const session = await until("connects", () => this.connected());
    const headers = {
      ":method": method,
      ":path": await this.pathOf(path),
      authorization: `Bearer ${this.token}`,
      accept: entry.accept,
      "user-agent": `${entry.agent}/1`,
      ...(sentType === undefined ? {} : { "content-type": sentType }),
    };
    const stream = session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return stream;
  }

  private connected(): Promise<ClientHttp2Session> | ClientHttp2Session {
    if (this.session !== undefined && !this.session.closed) return this.session;
    return new Promise((resolve, reject) => {
      const session = connect(this.url, { ca: this.authority });
      session.on("error", reject);
      session.on("connect", () => {
        this.session = session;
        resolve(session);
      });
    });
  }

  private follow(watch: Watch, type: string, stream: ClientHttp2Stream): void {
    this.watches.push(watch);
    let left: Uint8Array = new Uint8Array(0);
    stream.on("data", (chunk: Buffer) => {
      const { events, rest } = readEvents(type, Buffer.concat([left, chunk]));
      left = rest;
      for (const event of events) {
        // Other bookmarks come when time has passed.
        const isInitialEnd = event.object.metadata?.annotations?.["k8s.io/initial-events-end"] === "true";
        if (event.type === "BOOKMARK" && !isInitialEnd) continue;
        this.learn(watch.expected[watch.seen.length]?.object, event.object);
        watch.seen.push(event);
      }
    });
  }

  private learn(recorded: unknown, got: unknown): void {
    if (!isRecord(recorded) || !isRecord(got)) return;
    const [{ uid, resourceVersion }, own] = [recorded, got];
    if (typeof uid === "string") {
      this.uids.set(uid, String(own["uid"]));
      this.latest.set(String(own["uid"]), own as Metadata);
    }
    // That of a list or a bookmark may also be the version of an object of another kind, which then counts.
    if (typeof resourceVersion === "string" && (uid !== undefined || !this.versions.has(resourceVersion))) {
      this.versions.set(resourceVersion, String(own["resourceVersion"]));
    }
    for (const [name, value] of Object.entries(recorded)) this.learn(value, own[name]);
  }

  private async pathOf(path: string): Promise<string> {
    const version = /\bresourceVersion=(\d+)/.exec(path)?.[1];
    if (version === undefined) return path;
    return path.replace(`resourceVersion=${version}`, `resourceVersion=${await this.versionOf(version)}`);
  }

  /** A version may be known from a watch only, which tells of it a moment later. */
  private versionOf(recorded: string): Promise<string> {
    return until(`version ${recorded} is known`, () => this.versions.get(recorded));
  }

  private async translated(value: unknown, key = ""): Promise<unknown> {
    if (typeof value === "string") {
      return key === "resourceVersion" && value !== "" ? this.versionOf(value) : this.withUids(value);
    }
    if (!isRecord(value)) return value;
    if (Array.isArray(value)) return Promise.all(value.map((item: unknown) => this.translated(item)));
    const result: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(value)) result[this.withUids(name)] = await this.translated(item, name);
    return key === "metadata" ? this.timed(result) : result;
  }

  private withUids(text: string): string {
    return text.replaceAll(UID, (uid) => this.uids.get(uid) ?? uid);
  }

  /** With the times that the server has given the object. */
  private timed(metadata: Plain): Plain {
    const { creationTimestamp, deletionTimestamp } = this.latest.get(String(metadata["uid"])) ?? {};
    return {
      ...metadata,
      ...(creationTimestamp === undefined || !("creationTimestamp" in metadata) ? {} : { creationTimestamp }),
      ...(deletionTimestamp === undefined || !("deletionTimestamp" in metadata) ? {} : { deletionTimestamp }),
    };
  }
}

function isRecord(value: unknown): value is Plain {
  return typeof value === "object" && value !== null;
}

async function wholeOf(stream: ClientHttp2Stream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
