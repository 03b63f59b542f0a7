/**
 * Stored objects as protobuf. Each is encoded once a revision, when somebody first asks; what nobody has asked for during a
 * period is let go of, for it is kept beside the object and its JSON.
 */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { bytesOf, keepBytes } from "../../../../protocols/kept-bytes.ts";
import type { Served } from "../catalog/catalog.ts";
import { encodeProtobuf, messageOf } from "../machinery/encode-protobuf.ts";
import { ProtobufWriter } from "../machinery/protobuf-writer.ts";
import { isConverted, toServed } from "../registry/present.ts";
import type { StoredObject } from "./stored-object.ts";

export class ProtobufObjects {
  private recent = new WeakMap<StoredObject, KeptBytes>();
  private older = new WeakMap<StoredObject, KeptBytes>();
  private readonly writer = new ProtobufWriter();

  /** With its envelope. */
  of(served: Served, stored: StoredObject): Uint8Array {
    return bytesOf(this.kept(served, stored));
  }

  /** As an item of a list. */
  message(served: Served, stored: StoredObject): KeptBytes {
    return messageOf(this.kept(served, stored));
  }

  /** Once a period. */
  age(): void {
    this.older = this.recent;
    this.recent = new WeakMap();
  }

  private kept(served: Served, stored: StoredObject): KeptBytes {
    // As with JSON, what is served in another version than it is stored in is made for each reader.
    if (isConverted(served)) return keepBytes(this.encoded(served, stored));
    let kept = this.recent.get(stored);
    if (kept === undefined) {
      kept = this.older.get(stored) ?? keepBytes(this.encoded(served, stored));
      this.recent.set(stored, kept);
    }
    return kept;
  }

  private encoded(served: Served, stored: StoredObject): Uint8Array {
    const { type } = served.form;
    if (type === undefined) throw new Error(`${served.info.apiVersion} ${served.info.kind} has no message`);
    return encodeProtobuf(type, toServed(served, stored.object), this.writer);
  }
}
