/**
 * Watch: any number of watches on one stream, each under an id of its own. Source: etcd `server/etcdserver/api/v3rpc/watch.go`,
 * `server/storage/mvcc/watcher.go`.
 */
import type { Draft } from "../../../protocols/etcd-wire/codec.ts";
import { encode } from "../../../protocols/etcd-wire/codec.ts";
import type * as wire from "../../../protocols/etcd-wire/messages.ts";
import { ENUMS } from "../../../protocols/etcd-wire/tables.ts";
import { ETCD_ERRORS } from "../../../protocols/etcd-errors.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { WatchResponse } from "../../../protocols/etcd.ts";
import { textOfBytes } from "../../../protocols/text-bytes.ts";
import { watchEvent } from "../core/grpc/answers.ts";
import { orderKey } from "../core/mvcc/key-order.ts";
import type { StateMachine } from "../core/mvcc/state-machine.ts";
import type { OpenWatch, Watches } from "../watches.ts";
import type { GrpcStream, Receiver, Services } from "./calls.ts";

/** Of nobody: where no watch was made, and of all watches of a stream. */
const NO_ID = "-1";
const DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream";
const EMPTY_RANGE = "mvcc: watcher range is empty";

export interface WatchParts {
  readonly watches: Watches;
  readonly machine: StateMachine;
  /** An answer that is larger goes out in fragments to those who asked for it. */
  readonly fragmentBytes: number;
  /** Watches of one stream; more are refused. */
  readonly watchesMax: number;
}

export function watchServices(parts: WatchParts): Services {
  return { "/etcdserverpb.Watch/Watch": (stream) => new WatchStream(parts, stream) };
}

class WatchStream implements Receiver<wire.WatchRequest> {
  private readonly parts: WatchParts;
  private readonly stream: GrpcStream<wire.WatchResponse>;
  private readonly open: Map<string, OpenWatch> = new Map();
  private nextId = 0;

  constructor(parts: WatchParts, stream: GrpcStream<wire.WatchResponse>) {
    this.parts = parts;
    this.stream = stream;
  }

  next({ createRequest, cancelRequest, progressRequest }: wire.WatchRequest): void {
    if (createRequest !== undefined) this.create(createRequest);
    else if (cancelRequest !== undefined) this.cancel(cancelRequest.watchId);
    else if (progressRequest !== undefined) this.progress();
  }

  end(): void {
    for (const watch of this.open.values()) watch.cancel();
    this.open.clear();
    this.stream.end();
  }

  private create(request: wire.WatchCreateRequest): void {
    const refusal = this.refusalOf(request);
    if (refusal !== undefined)
      return this.send({ watchId: NO_ID, created: true, canceled: true, cancelReason: refusal });
    const id = request.watchId === "0" ? this.freeId() : request.watchId;
    this.parts.watches.flush();
    this.send({ watchId: id, created: true });
    const { startRevision, prevKv, progressNotify } = request;
    const key = request.key.length === 0 ? "\0" : textOfBytes(request.key);
    const base = { key, prevKv, progressNotify };
    const ranged = request.rangeEnd.length === 0 ? base : { ...base, rangeEnd: textOfBytes(request.rangeEnd) };
    // Taken before the first events come, which is at once where they are of the past.
    this.open.set(id, { isSynced: false, cancel: () => undefined });
    const watch = this.parts.watches.add(
      startRevision === 0 ? ranged : { ...ranged, startRevision },
      this.sinkOf(id, request),
      true,
    );
    if (this.open.has(id)) this.open.set(id, watch);
  }

  private refusalOf({ key, rangeEnd, startRevision, watchId }: wire.WatchCreateRequest): string | undefined {
    if (startRevision < 0) return ETCD_ERRORS.ETCD_COMPACTED.text;
    if (this.open.has(watchId) && watchId !== "0") return DUPLICATE_ID;
    if (this.open.size >= this.parts.watchesMax) return ETCD_ERRORS.ETCD_TOO_MANY_REQUESTS.text;
    const isToEnd = rangeEnd.length === 1 && rangeEnd[0] === 0;
    const isEmpty = rangeEnd.length > 0 && !isToEnd && orderKey(textOfBytes(key)) >= orderKey(textOfBytes(rangeEnd));
    return isEmpty ? EMPTY_RANGE : undefined;
  }

  private freeId(): string {
    while (this.open.has(String(this.nextId))) this.nextId++;
    return String(this.nextId++);
  }

  private sinkOf(id: string, { filters, fragment }: wire.WatchCreateRequest): Parameters<Watches["add"]>[1] {
    const { stream } = this;
    const { NOPUT, NODELETE } = ENUMS.FilterType;
    const isWanted = {
      put: !filters.includes(NOPUT),
      delete: !filters.includes(NODELETE),
    };
    return {
      from: stream.from,
      signal: stream.signal,
      get buffered() {
        return stream.isFull ? Infinity : 0;
      },
      push: (response) => this.deliver(id, response, isWanted, fragment),
      end: (error) => this.ended(id, error),
    };
  }

  private deliver(
    id: string,
    { header, events }: WatchResponse,
    isWanted: { readonly [Type in "put" | "delete"]: boolean },
    fragment: boolean,
  ): void {
    const wanted = events.filter(({ type }) => isWanted[type]);
    if (events.length > 0 && wanted.length === 0) return;
    const response = { header, watchId: id, events: wanted.map(watchEvent) };
    if (!fragment || wanted.length < 2) return this.stream.send(response);
    for (const part of fragments(response, this.parts.fragmentBytes)) this.stream.send(part);
  }

  /** The store has ended a watch: by compaction, which is that watch's alone, or since the member can't go on. */
  private ended(id: string, error: Error | undefined): void {
    this.open.delete(id);
    if (!hasCode(error, "ETCD_COMPACTED")) return this.stream.end(error);
    const { compactRevision } = this.parts.machine.store;
    this.send({ watchId: id, canceled: true, compactRevision });
  }

  private cancel(id: string): void {
    const watch = this.open.get(id);
    if (watch === undefined) return;
    watch.cancel();
    this.open.delete(id);
    this.send({ watchId: id, canceled: true });
  }

  /** Only when no watch of the stream lacks anything (etcd bugs 15220, 17507). Else the client asks again. */
  private progress(): void {
    this.parts.watches.flush();
    for (const watch of this.open.values()) if (!watch.isSynced) return;
    this.send({ watchId: NO_ID });
  }

  private send(response: Draft<wire.WatchResponse>): void {
    this.stream.send({ header: this.parts.machine.header(), ...response });
  }
}

/** The events in answers that stay below `bytesMax` where they can; all but the last say that more belongs to them. */
function fragments(response: Draft<wire.WatchResponse>, bytesMax: number): readonly Draft<wire.WatchResponse>[] {
  const events = response.events ?? [];
  const parts: Draft<wire.Event>[][] = [];
  let size = Infinity;
  for (const event of events) {
    // Tag and length of the event besides.
    const bytes = encode("Event", event).length + 6;
    if (size + bytes >= bytesMax) {
      parts.push([]);
      size = encode("WatchResponse", { ...response, events: [], fragment: true }).length;
    }
    (parts[parts.length - 1] as Draft<wire.Event>[]).push(event);
    size += bytes;
  }
  return parts.map((part, at) => ({ ...response, events: part, fragment: at < parts.length - 1 }));
}
