/**
 * Header blocks of SPDY/3.1 (section 2.6.10). What we send is not made smaller: stored blocks of DEFLATE (RFC 1951, section 3.2.4), which any
 * inflater reads. What comes is inflated with what came before as its dictionary: each block ends on a whole byte, so nothing else
 * of the inflater's state is to be kept.
 */
import { joined, NOTHING, ProtocolFault } from "./bytes.ts";
import { SPDY_DICTIONARY } from "./spdy-dictionary.ts";

export type SpdyHeaders = Readonly<Record<string, string>>;

/** Inflates raw DEFLATE that ends on a whole byte and is not the last of its stream. Errors: an Error, also over `bytesMax`. */
export type InflateRaw = (bytes: Uint8Array, dictionary: Uint8Array, bytesMax: number) => Uint8Array;

/** What DEFLATE looks back at. */
const WINDOW_BYTES = 32_768;
/** Clients of Kubernetes send some hundred. */
const BLOCK_BYTES_MAX = 65_536;
const HEADERS_MAX = 256;
/** CMF and FLG of zlib without a dictionary (RFC 1950, section 2.2). */
const ZLIB_HEAD = Uint8Array.of(0x78, 0x01);
const ZLIB_HEAD_BYTES = 2;
const HAS_DICTIONARY = 0x20;
const DICTIONARY_ID_BYTES = 4;
/** Ends a block on a whole byte, so that what it holds is read at once. As zlib's Z_SYNC_FLUSH. */
const FLUSH = Uint8Array.of(0, 0, 0, 0xff, 0xff);
const STORED_BYTES_MAX = 65_535;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class HeaderReader {
  private readonly inflate: InflateRaw;
  private window: Uint8Array = NOTHING;
  private hasBegun = false;

  constructor(inflate: InflateRaw) {
    this.inflate = inflate;
  }

  /** Each block of a connection in turn, those of streams that are refused too. @throws ProtocolFault */
  read(block: Uint8Array): SpdyHeaders {
    let bytes = block;
    if (!this.hasBegun) {
      const hasDictionary = ((block[1] ?? 0) & HAS_DICTIONARY) !== 0;
      bytes = block.subarray(ZLIB_HEAD_BYTES + (hasDictionary ? DICTIONARY_ID_BYTES : 0));
      this.window = hasDictionary ? SPDY_DICTIONARY : NOTHING;
      this.hasBegun = true;
    }
    let plain: Uint8Array;
    try {
      plain = this.inflate(bytes, this.window, BLOCK_BYTES_MAX);
    } catch (error) {
      throw new ProtocolFault(`headers can't be inflated: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.window = joined([this.window, plain]).slice(-WINDOW_BYTES);
    return parseHeaders(plain);
  }
}

export class HeaderWriter {
  private hasBegun = false;

  write(headers: SpdyHeaders): Uint8Array {
    const plain = headerBytes(headers);
    if (plain.length > STORED_BYTES_MAX) throw new Error(`headers of ${plain.length} bytes`);
    const { length } = plain;
    const stored = Uint8Array.of(0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff);
    const head = this.hasBegun ? NOTHING : ZLIB_HEAD;
    this.hasBegun = true;
    return joined([head, stored, plain, FLUSH]);
  }
}

function headerBytes(headers: SpdyHeaders): Uint8Array {
  const entries = Object.entries(headers);
  const texts = entries.flatMap(([name, value]) => [name.toLowerCase(), value]).map((text) => encoder.encode(text));
  return joined([number32(entries.length), ...texts.flatMap((text) => [number32(text.length), text])]);
}

function number32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Of several values of one name the first. */
function parseHeaders(bytes: Uint8Array): SpdyHeaders {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new ProtocolFault("headers end too early");
    at += 4;
    return view.getUint32(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > bytes.length) throw new ProtocolFault("headers end too early");
    at += length;
    return decoder.decode(bytes.subarray(at - length, at));
  };
  const count = number();
  if (count > HEADERS_MAX) throw new ProtocolFault(`more than ${HEADERS_MAX} headers`);
  const headers: [string, string][] = [];
  for (let i = 0; i < count; i++) headers.push([text().toLowerCase(), text().split("\0", 1)[0] ?? ""]);
  return Object.fromEntries(headers);
}
