/**
 * What each way to turn a message into bytes and back costs, CPU alone, by kind of message: the ground on which
 * `runtime/frame.ts` and `runtime/threads/port-links.ts` choose.
 */
import { deserialize, serialize } from "node:v8";
import { Packr } from "msgpackr";
import type { Envelope } from "../../../runtime/frame.ts";
import { CALL, FrameCodec, ITEM } from "../../../runtime/frame.ts";
import { PreEncoder } from "../../../runtime/pre-encoded.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";
import { samplePod } from "../sample-pod.ts";

const ROUNDS = 7;
const ROUND_MS = 15;
const SHAPES_MAX = 256;
/** Those who are told of the same event; 300 kube-proxies follow the Nodes of a cluster of 300. */
const READERS = [1, 16, 300] as const;
const FRAMES = 3_000;

interface Codec {
  readonly name: string;
  readonly encode: (frame: Envelope[]) => unknown;
  readonly decode: (encoded: never) => unknown;
  readonly bytes: (encoded: never) => number;
}

const call = (index: number): Envelope => [CALL, index, 1, { k: 1, id: index, to: "abc" }, 5_000, index];
const item = (object: unknown): Envelope => [ITEM, 1, { type: "MODIFIED", object }];
const podNamed = (index: number): unknown => {
  const pod = samplePod() as { metadata: { name: string } };
  return { ...pod, metadata: { ...pod.metadata, name: `web-${index}` } };
};
const podList = Array.from({ length: 20 }, (_, index) => podNamed(index));

/** Keys that nobody knew when a table was made: a user's labels, an operator's annotations, selectors. */
const ownPod = (): unknown => {
  const pod = samplePod() as { metadata: object; spec: object };
  const own = { "example.com/team": "shop", "example.com/tier": "front", release: "7" };
  const metadata = { ...pod.metadata, labels: own, annotations: { "example.com/checksum": "5f3a", ...own } };
  return { ...pod, metadata, spec: { ...pod.spec, nodeSelector: own } };
};

interface Kind {
  readonly name: string;
  readonly frame: () => Envelope[];
  /** What a seeded table was made of; by default frames of the kind itself. */
  readonly seed?: () => Envelope[];
}

const kinds: readonly Kind[] = [
  { name: "one small call", frame: () => [call(1)] },
  { name: "32 small calls", frame: () => Array.from({ length: 32 }, (_, index) => call(index)) },
  { name: "a 3 KB Pod", frame: () => [item(samplePod())] },
  { name: "a Pod with a user's own labels", frame: () => [item(ownPod())], seed: () => [item(samplePod())] },
  { name: "a list of 20 Pods", frame: () => [item({ items: podList })] },
  { name: "1 MB of bytes", frame: () => [item(new Uint8Array(1_000_000))] },
];

export const codec: Suite = {
  name: "codec",
  about: `encoding and decoding a frame on one thread; medians of ${ROUNDS} rounds, each with all codecs in turn`,
  run: (report) => {
    for (const kind of kinds) compare(report, kind);
    for (const readers of READERS) encodeOnce(report, readers);
    return Promise.resolve();
  },
};

function compare(report: Report, { name: kind, frame, seed = frame }: Kind): void {
  const codecs = makeCodecs(seed);
  const times = codecs.map(() => ({ encode: [] as number[], decode: [] as number[] }));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, each] of codecs.entries()) {
      const { encodeUs, decodeUs } = measure(each, frame);
      // The first round warms up, and fills the tables of shapes.
      if (round === 0) continue;
      times[index]!.encode.push(encodeUs);
      times[index]!.decode.push(decodeUs);
    }
  }
  const peer = { encode: median(times[0]!.encode), decode: median(times[0]!.decode) };
  for (const [index, each] of codecs.entries()) {
    const [encodeUs, decodeUs] = [median(times[index]!.encode), median(times[index]!.decode)];
    const size = each.bytes(each.encode(frame()) as never);
    report({
      name: `${kind}: ${each.name}, ${size.toLocaleString("en-US")} B, to bytes and back`,
      value: encodeUs + decodeUs,
      unit: "µs",
      ...(index === 0 ? {} : { peer: { name: codecs[0]!.name, value: peer.encode + peer.decode } }),
    });
    if (index > 0 && kind.includes("Pod")) {
      report({ name: `${kind}: ${each.name}, back alone`, value: decodeUs, unit: "µs" });
    }
  }
}

function measure(each: Codec, frame: () => Envelope[]): { readonly encodeUs: number; readonly decodeUs: number } {
  let [encodeMs, decodeMs, count] = [0, 0, 0];
  const untilMs = performance.now() + ROUND_MS;
  while (performance.now() < untilMs) {
    // Codecs take the frame over.
    const frames = Array.from({ length: 8 }, frame);
    const startedMs = performance.now();
    const encoded = frames.map((one) => each.encode(one));
    const encodedMs = performance.now();
    for (const one of encoded) each.decode(one as never);
    decodeMs += performance.now() - encodedMs;
    encodeMs += encodedMs - startedMs;
    count += frames.length;
  }
  return { encodeUs: (encodeMs / count) * 1_000, decodeUs: (decodeMs / count) * 1_000 };
}

/** A Pod event on its way to many readers, or to one, in a frame for each. */
function encodeOnce(report: Report, readers: number): void {
  const pod = samplePod();
  const encoder = new PreEncoder();
  const links = Array.from({ length: readers }, () => ({ from: new FrameCodec(1), to: new FrameCodec(2) }));
  const events = Math.ceil(FRAMES / readers);
  const times = {
    once: { sent: [] as number[], read: [] as number[] },
    each: { sent: [] as number[], read: [] as number[] },
  };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const kind of ["once", "each"] as const) {
      let [sentMs, readMs] = [0, 0];
      for (let count = 0; count < events; count++) {
        const startedMs = performance.now();
        const object = kind === "once" ? encoder.encode(pod).inMessage : pod;
        const frames = links.map(({ from }) => from.encode(1, [item(object)]));
        const encodedMs = performance.now();
        for (const [index, frame] of frames.entries()) links[index]!.to.decode(frame);
        readMs += performance.now() - encodedMs;
        sentMs += encodedMs - startedMs;
      }
      if (round === 0) continue;
      times[kind].sent.push((sentMs / events) * 1_000);
      times[kind].read.push((readMs / events / readers) * 1_000);
    }
  }
  report({
    name: `a Pod event to ${readers} ${readers === 1 ? "reader" : "readers"}, encoded once: sender's CPU`,
    value: median(times.once.sent),
    unit: "µs",
    peer: { name: "encoded for each", value: median(times.each.sent) },
    ...(readers === 1 ? {} : { target: "≤ 0.5 ×" }),
  });
  report({
    name: "the same: CPU of each reader",
    value: median(times.once.read),
    unit: "µs",
    peer: { name: "encoded for each", value: median(times.each.read) },
  });
}

function makeCodecs(seed: () => Envelope[]): readonly Codec[] {
  const maps = new Packr({ useRecords: false });
  const seeded = seededTables(seed);
  const link = { from: new FrameCodec(1), to: new FrameCodec(2) };
  const length = (bytes: Uint8Array): number => bytes.length;
  return [
    // What postMessage does with an object, without the way.
    { name: "structured clone", encode: (value) => serialize(value), decode: deserialize, bytes: length },
    {
      name: "JSON",
      // Bytes are no JSON: base64, as everybody does.
      encode: (value) =>
        JSON.stringify(value, (_key, each: unknown) =>
          each instanceof Uint8Array ? Buffer.from(each).toString("base64") : each,
        ),
      decode: (text: string) => JSON.parse(text) as unknown,
      bytes: (text: string) => text.length,
    },
    {
      name: "msgpack maps",
      encode: (value) => Uint8Array.from(maps.pack(value)),
      decode: (bytes: Uint8Array) => maps.unpack(bytes) as unknown,
      bytes: length,
    },
    {
      name: "msgpack records, table seeded and frozen",
      encode: (value) => Uint8Array.from(seeded.from.pack(value)),
      decode: (bytes: Uint8Array) => seeded.to.unpack(bytes) as unknown,
      bytes: length,
    },
    {
      name: "the link's codec: records, table of the session",
      encode: (value) => link.from.encode(1, value),
      decode: (bytes: Uint8Array) => link.to.decode(bytes),
      bytes: length,
    },
  ];
}

/** Both ends know every shape of `seed` beforehand, and learn none: another is spelled out each time. */
function seededTables(seed: () => Envelope[]): { readonly from: Packr; readonly to: Packr } {
  const structures: object[] = [];
  const options = { useRecords: true, structures, maxSharedStructures: SHAPES_MAX } as ConstructorParameters<
    typeof Packr
  >[0];
  new Packr(options).pack(seed());
  const frozen = { ...options, maxSharedStructures: structures.length };
  const table = (): Packr =>
    new Packr({ ...frozen, structures: structures.map((shape) => [...(shape as string[])]) } as typeof options);
  return { from: table(), to: table() };
}
