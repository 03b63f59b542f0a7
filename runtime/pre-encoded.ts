/**
 * Values that are encoded once and sent to many: `new PreEncoder()` per producer, `encode(value)` once per value, and the
 * result put wherever plain data may stand in a message. The receiver gets plain data, a copy of its own.
 *
 * The record shapes of an encoder are one table that only grows. Each link that carries its values sends what the other
 * end has not seen of the table along with the first value that needs it.
 */
import { Packr, addExtension } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";

/** Shapes of all kinds of objects of one producer; beyond it shapes are spelled out in each value. */
const SHAPES_MAX = 1_024;
const EXTENSION = 0x49;
const HEADER_BYTES = 12;

type Shape = readonly string[];
let encoders = 0;

export class PreEncoder {
  /** @internal Unique among those whose values cross one link in one direction: the sender's. */
  readonly id: number = ++encoders;
  /** @internal */
  readonly shapes: Shape[] = [];
  private readonly packr = new Packr({
    useRecords: true,
    structures: [],
    maxSharedStructures: SHAPES_MAX,
    saveStructures: (shapes: readonly string[][]): boolean => {
      for (let index = this.shapes.length; index < shapes.length; index++) this.shapes.push([...shapes[index]!]);
      return true;
    },
  } as ConstructorParameters<typeof Packr>[0]);

  encode(value: unknown): PreEncoded {
    // What pack() returns is a view on a pool that the next call overwrites.
    const bytes = new Uint8Array(this.packr.pack(value));
    return new PreEncoded(this, bytes, this.shapes.length);
  }
}

export class PreEncoded {
  /** @internal */
  readonly encoder: PreEncoder;
  readonly bytes: Uint8Array;
  /** @internal Shapes that its reader must know. */
  readonly shapesMin: number;

  constructor(encoder: PreEncoder, bytes: Uint8Array, shapesMin: number) {
    this.encoder = encoder;
    this.bytes = bytes;
    this.shapesMin = shapesMin;
  }
}

/** How a codec writes and reads the pre-encoded values of its link. */
export class PreEncodedLink {
  private readonly sent = new Map<number, number>();
  private readonly tables = new Map<number, { readonly shapes: Shape[]; unpackr: Unpackr }>();
  private found = 0;

  write(value: PreEncoded): Uint8Array {
    const { encoder, bytes, shapesMin } = value;
    const known = this.sent.get(encoder.id) ?? 0;
    const news =
      shapesMin > known ? new TextEncoder().encode(JSON.stringify(encoder.shapes.slice(known, shapesMin))) : NOTHING;
    if (shapesMin > known) this.sent.set(encoder.id, shapesMin);
    const written = new Uint8Array(HEADER_BYTES + news.length + bytes.length);
    const view = new DataView(written.buffer);
    view.setUint32(0, encoder.id);
    view.setUint32(4, known);
    view.setUint32(8, news.length);
    written.set(news, HEADER_BYTES);
    written.set(bytes, HEADER_BYTES + news.length);
    return written;
  }

  /** Called while a frame is read: the bytes are decoded when it has been, since the decoder can't be entered twice. */
  read(bytes: Uint8Array): Unread {
    this.found++;
    return new Unread(bytes);
  }

  /** Puts values in the places of what `read` has left in a frame. */
  resolve(frame: unknown[]): void {
    if (this.found > 0) this.fill(frame);
    this.found = 0;
  }

  private fill(container: unknown[] | { [key: string]: unknown }): void {
    const places = container as { [key: string]: unknown };
    for (const key in places) {
      if (this.found === 0) return;
      const value = places[key];
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) continue;
      if (value instanceof Unread) {
        places[key] = this.decode(value.bytes);
        this.found--;
      } else this.fill(value as { [key: string]: unknown });
    }
  }

  private decode(bytes: Uint8Array): unknown {
    const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
    const id = view.getUint32(0);
    const from = view.getUint32(4);
    const newsEnd = HEADER_BYTES + view.getUint32(8);
    let table = this.tables.get(id);
    if (newsEnd > HEADER_BYTES || table === undefined) {
      const shapes = table?.shapes ?? [];
      if (shapes.length !== from)
        throw new Error(`${shapes.length} shapes are known, not the ${from} that are built upon`);
      if (newsEnd > HEADER_BYTES) {
        shapes.push(...(JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_BYTES, newsEnd))) as Shape[]));
      }
      table = { shapes, unpackr: unpackrFor(shapes) };
      this.tables.set(id, table);
    }
    return table.unpackr.unpack(bytes.subarray(newsEnd)) as unknown;
  }
}

class Unread {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const NOTHING = new Uint8Array(0);

/** Anew for each growth of the table, which ends when a producer has sent each of its kinds once. */
function unpackrFor(shapes: readonly Shape[]): Unpackr {
  return new Unpackr({
    useRecords: true,
    structures: shapes.map((shape) => [...shape]),
    maxSharedStructures: SHAPES_MAX,
  } as unknown as ConstructorParameters<typeof Unpackr>[0]);
}

/** Extensions are the same for all of msgpackr; which link is at work is known while it is. */
let atWork: PreEncodedLink | undefined;

export function during<T>(link: PreEncodedLink, work: () => T): T {
  atWork = link;
  try {
    return work();
  } finally {
    atWork = undefined;
  }
}

addExtension({
  Class: PreEncoded,
  type: EXTENSION,
  pack: (value: PreEncoded) => {
    if (atWork === undefined) throw new Error("a pre-encoded value is only for messages between actors");
    return atWork.write(value) as Buffer;
  },
  unpack: (bytes: Uint8Array) => {
    if (atWork === undefined) throw new Error("a pre-encoded value is only for messages between actors");
    return atWork.read(bytes);
  },
});
