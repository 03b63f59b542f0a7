/** Messages between two actors on threads of their own, against raw `postMessage` and Comlink between two threads. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { buildActors } from "../../fixtures/build-actors.ts";
import { echoProtocol } from "../actors/echo-protocol.ts";
import { FrameCodec, ITEM } from "../../../runtime/frame.ts";
import { PreEncoder } from "../../../runtime/pre-encoded.ts";
import { samplePod } from "../sample-pod.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 5;
const READERS = 16;
const EVENTS = 300;
const payloads = { "tiny message": { k: 1, id: 5, to: "abc" }, "3 KB Pod": samplePod() } as const;
const counts = { "tiny message": 20_000, "3 KB Pod": 3_000 } as const;

type Measure = (count: number, inFlight: number, payload: unknown) => Promise<number>;

export const messaging: Suite = {
  name: "messaging",
  about: `two actors on two threads; medians of ${ROUNDS} rounds, each with all peers in turn`,
  run: async (report) => {
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    const bundles = await buildActors(join(process.cwd(), "test/bench/actors"));
    const host = new ThreadHost({ bundles, dataDir: directory, fsync: false, onDown: () => undefined });
    const embedder = new EmbeddedPeer("bench", host);
    const peers = [await rawPair(), await comlinkPair()];
    try {
      const base = {
        actor: "echo",
        options: null,
        restart: "temporary",
        shutdownMs: 1_000,
        startTimeoutMs: 10_000,
      } as const;
      await Promise.all([
        host.start({ ...base, name: "echo-a", links: ["echo-b", "bench"] }),
        host.start({ ...base, name: "echo-b", links: [] }),
      ]);
      const actor = embedder.ref(echoProtocol, "echo-a");
      const ours: Measure = (count, inFlight, payload) =>
        actor.call("calls", { peer: "echo-b", count, inFlight, payload }, { timeoutMs: 120_000 });
      await compare(report, ours, peers[0]!.measure, peers[1]!.measure);
      const casts: Measure = (count, _, payload) =>
        actor.call("casts", { peer: "echo-b", count, inFlight: 0, payload }, { timeoutMs: 120_000 });
      await oneWay(report, casts, peers[0]!.measureOneWay);
      encodeOnce(report);
    } finally {
      await Promise.all([host.stop("echo-a", 1_000), host.stop("echo-b", 1_000)]);
      embedder.close();
      for (const peer of peers) await peer.close();
      rmSync(directory, { recursive: true, force: true });
      rmSync(bundles, { recursive: true, force: true });
    }
  },
};

async function compare(report: Report, ours: Measure, raw: Measure, comlink: Measure): Promise<void> {
  for (const kind of ["tiny message", "3 KB Pod"] as const) {
    const payload = payloads[kind];
    const times = { ours: [] as number[], raw: [] as number[], comlink: [] as number[] };
    const rates = { ours: [] as number[], raw: [] as number[], comlink: [] as number[] };
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, measure] of [
        ["ours", ours],
        ["raw", raw],
        ["comlink", comlink],
      ] as const) {
        const few = counts[kind] / 4;
        const microseconds = ((await measure(few, 1, payload)) / few) * 1_000;
        const rate = (counts[kind] / (await measure(counts[kind], 128, payload))) * 1_000;
        // The first round warms up.
        if (round === 0) continue;
        times[name].push(microseconds);
        rates[name].push(rate);
      }
    }
    report({
      name: `round trip, ${kind}`,
      value: median(times.ours),
      unit: "µs",
      peer: { name: "postMessage", value: median(times.raw) },
      target: "≤ 1.25 ×",
    });
    report({
      name: `round trip, ${kind}`,
      value: median(times.ours),
      unit: "µs",
      peer: { name: "Comlink", value: median(times.comlink) },
    });
    report({
      name: `128 in flight, ${kind}`,
      value: median(rates.ours),
      unit: "/s",
      peer: { name: "Comlink", value: median(rates.comlink) },
      ...(kind === "tiny message" ? { target: "≥ 15 ×" } : {}),
    });
    report({
      name: `128 in flight, ${kind}`,
      value: median(rates.ours),
      unit: "/s",
      peer: { name: "postMessage", value: median(rates.raw) },
      ...(kind === "tiny message" ? { target: "≥ 3 ×" } : {}),
    });
  }
}

/** Messages that nobody answers, until the other side has them all. */
async function oneWay(report: Report, ours: Measure, raw: Measure): Promise<void> {
  for (const kind of ["tiny message", "3 KB Pod"] as const) {
    const rates = { ours: [] as number[], raw: [] as number[] };
    for (let round = 0; round <= ROUNDS; round++) {
      const count = Math.ceil(counts[kind] / 256) * 256;
      const [ourMs, rawMs] = [await ours(count, 256, payloads[kind]), await raw(count, 256, payloads[kind])];
      if (round === 0) continue;
      rates.ours.push((count / ourMs) * 1_000);
      rates.raw.push((count / rawMs) * 1_000);
    }
    report({
      name: `one way, ${kind}`,
      value: median(rates.ours),
      unit: "/s",
      peer: { name: "postMessage", value: median(rates.raw) },
      ...(kind === "3 KB Pod" ? { target: "≥ 1.5 ×" } : {}),
    });
  }
}

/** A Pod on its way to sixteen readers, by the sender's and the readers' CPU alone. */
function encodeOnce(report: Report): void {
  const pod = samplePod();
  const encoder = new PreEncoder();
  const links = Array.from({ length: READERS }, () => ({ from: new FrameCodec(1), to: new FrameCodec(2) }));
  const times = { once: [] as number[], each: [] as number[], read: [] as number[], readEach: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const kind of ["once", "each"] as const) {
      let sentMs = 0;
      let readMs = 0;
      for (let count = 0; count < EVENTS; count++) {
        const started = performance.now();
        const item = kind === "once" ? encoder.encode(pod) : pod;
        const frames = links.map(({ from }) => from.encode(1, [[ITEM, 1, { type: "MODIFIED", object: item }]]));
        const sent = performance.now();
        for (const [index, frame] of frames.entries()) links[index]!.to.decode(frame);
        sentMs += sent - started;
        readMs += performance.now() - sent;
      }
      if (round === 0) continue;
      times[kind].push((sentMs / EVENTS) * 1_000);
      times[kind === "once" ? "read" : "readEach"].push((readMs / EVENTS / READERS) * 1_000);
    }
  }
  report({
    name: `a 3 KB Pod for ${READERS} readers, sender's CPU, encoded once`,
    value: median(times.once),
    unit: "µs",
    peer: { name: "encoded for each", value: median(times.each) },
  });
  report({
    name: "the same, CPU of each reader",
    value: median(times.read),
    unit: "µs",
    peer: { name: "encoded for each", value: median(times.readEach) },
  });
  const first = new FrameCodec(1);
  const sizes = [1, 2].map(
    () => first.encode(1, [[ITEM, 1, { type: "MODIFIED", object: encoder.encode(pod) }]]).length,
  );
  report({
    name: "its frame, bytes",
    value: sizes[1]!,
    unit: "B",
    peer: { name: "the first over a link", value: sizes[0]! },
  });
}

interface Pair {
  readonly measure: Measure;
  /** As `measure`, but only one message in `inFlight` is answered. */
  readonly measureOneWay: Measure;
  close(): Promise<unknown>;
}

/** Two threads with a port between them; the first measures. Both run the same small program, given as text. */
async function pair(program: string): Promise<Pair> {
  const { port1, port2 } = new MessageChannel();
  const driver = new Worker(program, {
    eval: true,
    workerData: { role: "driver", port: port1 },
    transferList: [port1],
  });
  const echo = new Worker(program, { eval: true, workerData: { role: "echo", port: port2 }, transferList: [port2] });
  await Promise.all([driver, echo].map((worker) => new Promise((resolve) => void worker.once("online", resolve))));
  const measure =
    (isOneWay: boolean): Measure =>
    (count, inFlight, payload) =>
      new Promise((resolve) => {
        driver.once("message", (milliseconds: number) => resolve(milliseconds));
        driver.postMessage({ count, inFlight, payload, oneWay: isOneWay });
      });
  return {
    measure: measure(false),
    measureOneWay: measure(true),
    close: () => Promise.all([driver.terminate(), echo.terminate()]),
  };
}

function rawPair(): Promise<Pair> {
  return pair(`
    const { parentPort, workerData: { role, port } } = require("node:worker_threads");
    if (role === "echo") port.on("message", (message) => {
      if (message.last !== false) port.postMessage(message);
    });
    else parentPort.on("message", ({ count, inFlight, payload, oneWay }) => {
      if (oneWay) {
        const quiet = { ...payload, last: false };
        const started = performance.now();
        let sent = 0;
        const burst = () => {
          for (let index = 1; index < inFlight; index++) port.postMessage(quiet);
          port.postMessage(1);
          sent += inFlight;
        };
        const answered = () => {
          if (sent < count) return burst();
          port.off("message", answered);
          parentPort.postMessage(performance.now() - started);
        };
        port.on("message", answered);
        return burst();
      }
      let sent = 0, received = 0;
      const started = performance.now();
      const listener = () => {
        received++;
        if (sent < count) { sent++; port.postMessage(payload); }
        else if (received === count) { port.off("message", listener); parentPort.postMessage(performance.now() - started); }
      };
      port.on("message", listener);
      for (; sent < inFlight; sent++) port.postMessage(payload);
    });
  `);
}

function comlinkPair(): Promise<Pair> {
  const comlink = JSON.stringify(createRequire(join(process.cwd(), "package.json")).resolve("comlink"));
  return pair(`
    const { parentPort, workerData: { role, port } } = require("node:worker_threads");
    const { expose, wrap } = require(${comlink});
    if (role === "echo") expose({ echo: (payload) => payload }, port);
    else {
      const api = wrap(port);
      parentPort.on("message", async ({ count, inFlight, payload }) => {
        let left = count;
        const started = performance.now();
        await Promise.all(Array.from({ length: inFlight }, async () => { while (left-- > 0) await api.echo(payload); }));
        parentPort.postMessage(performance.now() - started);
      });
    }
  `);
}
