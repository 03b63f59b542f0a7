/**
 * Messages between two actors on threads of their own, against raw `postMessage` and Comlink between two threads. Raw has
 * two forms: messages that are sent back to a listener, which is the least that a round trip can cost, and requests with
 * an id and a promise each, which is the least that can be called request/response.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { buildActors } from "../../fixtures/build-actors.ts";
import { echoProtocol } from "../actors/echo-protocol.ts";
import { samplePod } from "../sample-pod.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const ROUNDS = 5;
const payloads = { "tiny message": { k: 1, id: 5, to: "abc" }, "3 KB Pod": samplePod() } as const;
const FLOOD = { count: 100_000, forUs: 20 };
const counts = { "tiny message": 100_000, "3 KB Pod": 6_000 } as const;

type Measure = (count: number, inFlight: number, payload: unknown) => Promise<number>;

export const messaging: Suite = {
  name: "messaging",
  about: `two actors on two threads; medians of ${ROUNDS} rounds, each with all peers in turn`,
  run: async (report) => {
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    const bundles = await buildActors(join(process.cwd(), "test/bench/actors"));
    const host = new ThreadHost({ bundles, dataDir: directory, fsync: false, onDown: () => undefined });
    const embedder = new EmbeddedPeer("bench", host);
    const peers = { raw: await rawPair(), ask: await askPair(), comlink: await comlinkPair() };
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
      await compare(report, { ours, raw: peers.raw.measure, ask: peers.ask.measure, comlink: peers.comlink.measure });
      const casts: Measure = (count, _, payload) =>
        actor.call("casts", { peer: "echo-b", count, inFlight: 0, payload }, { timeoutMs: 120_000 });
      await oneWay(report, casts, peers.raw.measureOneWay);
      const floods: number[] = [];
      const rawFloods: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        floods.push(await actor.call("flood", { peer: "echo-b", ...FLOOD }, { timeoutMs: 120_000 }));
        rawFloods.push(await peers.raw.flood(FLOOD));
      }
      report({
        name: `largest delay of a timer under ${FLOOD.count / 1_000}k messages of ${FLOOD.forUs} µs`,
        value: median(floods),
        unit: "ms",
        peer: { name: "postMessage", value: median(rawFloods) },
        target: "a few ms",
      });
    } finally {
      await Promise.all([host.stop("echo-a", 1_000), host.stop("echo-b", 1_000)]);
      embedder.close();
      for (const peer of Object.values(peers)) await peer.close();
      rmSync(directory, { recursive: true, force: true });
      rmSync(bundles, { recursive: true, force: true });
    }
  },
};

type Side = "ours" | "raw" | "ask" | "comlink";
const SIDES: readonly Side[] = ["ours", "raw", "ask", "comlink"];
const PEERS = { raw: "postMessage", ask: "postMessage, an id and a promise each", comlink: "Comlink" } as const;

async function compare(report: Report, measures: Readonly<Record<Side, Measure>>): Promise<void> {
  for (const kind of ["tiny message", "3 KB Pod"] as const) {
    const payload = payloads[kind];
    const times: Record<Side, number[]> = { ours: [], raw: [], ask: [], comlink: [] };
    const rates: Record<Side, number[]> = { ours: [], raw: [], ask: [], comlink: [] };
    for (let round = 0; round <= ROUNDS; round++) {
      for (const side of SIDES) {
        const few = counts[kind] / 16;
        const microseconds = ((await measures[side](few, 1, payload)) / few) * 1_000;
        const rate = (counts[kind] / (await measures[side](counts[kind], 128, payload))) * 1_000;
        // The first round warms up.
        if (round === 0) continue;
        times[side].push(microseconds);
        rates[side].push(rate);
      }
    }
    const tiny = kind === "tiny message";
    const targets = { raw: undefined, ask: tiny ? "≥ 3 ×" : undefined, comlink: tiny ? "≥ 15 ×" : undefined };
    for (const side of ["raw", "ask", "comlink"] as const) {
      report({
        name: `round trip, ${kind}`,
        value: median(times.ours),
        unit: "µs",
        peer: { name: PEERS[side], value: median(times[side]) },
        ...(side === "raw" ? { target: "≤ 1.25 ×" } : {}),
      });
    }
    for (const side of ["raw", "ask", "comlink"] as const) {
      const target = targets[side];
      report({
        name: `128 in flight, ${kind}`,
        value: median(rates.ours),
        unit: "/s",
        peer: { name: PEERS[side], value: median(rates[side]) },
        ...(target === undefined ? {} : { target }),
      });
    }
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

interface Pair {
  readonly measure: Measure;
  /** As `measure`, but only one message in `inFlight` is answered. */
  readonly measureOneWay: Measure;
  /** The largest delay of a timer of the second thread, in ms, while it works off a flood from the first. */
  readonly flood: (flood: typeof FLOOD) => Promise<number>;
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
    flood: (flood) =>
      new Promise((resolve) => {
        echo.once("message", (milliseconds: number) => resolve(milliseconds));
        driver.postMessage({ flood });
      }),
    close: () => Promise.all([driver.terminate(), echo.terminate()]),
  };
}

function rawPair(): Promise<Pair> {
  return pair(`
    const { parentPort, workerData: { role, port } } = require("node:worker_threads");
    let left = 0;
    const watchTimer = (count) => {
      left = count;
      let largestMs = 0, lastMs = performance.now();
      const timer = setInterval(() => {
        const nowMs = performance.now();
        largestMs = Math.max(largestMs, nowMs - lastMs - 5);
        lastMs = nowMs;
        if (left > 0) return;
        clearInterval(timer);
        parentPort.postMessage(largestMs);
      }, 5);
    };
    if (role === "echo") port.on("message", (message) => {
      if (message.forUs !== undefined) {
        const untilMs = performance.now() + message.forUs / 1_000;
        while (performance.now() < untilMs);
        left--;
      } else if (message.watch !== undefined) {
        watchTimer(message.watch);
        port.postMessage("watched");
      } else if (message.last !== false) port.postMessage(message);
    });
    else parentPort.on("message", ({ count, inFlight, payload, oneWay, flood }) => {
      if (flood !== undefined) {
        port.once("message", () => {
          for (let sent = 0; sent < flood.count; sent++) port.postMessage({ forUs: flood.forUs });
        });
        return port.postMessage({ watch: flood.count });
      }
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

function askPair(): Promise<Pair> {
  return pair(`
    const { parentPort, workerData: { role, port } } = require("node:worker_threads");
    if (role === "echo") port.on("message", ({ id, request }) => port.postMessage({ id, reply: request }));
    else {
      const pending = new Map();
      let lastId = 0;
      port.on("message", ({ id, reply }) => {
        const resolve = pending.get(id);
        pending.delete(id);
        resolve(reply);
      });
      const ask = (request) => new Promise((resolve) => {
        const id = ++lastId;
        pending.set(id, resolve);
        port.postMessage({ id, request });
      });
      parentPort.on("message", async ({ count, inFlight, payload }) => {
        let left = count;
        const started = performance.now();
        await Promise.all(Array.from({ length: inFlight }, async () => { while (left-- > 0) await ask(payload); }));
        parentPort.postMessage(performance.now() - started);
      });
    }
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
