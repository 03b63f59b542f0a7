/** Memory while pods come and go, and what of it is left when nothing happens any more. */
import { startClusterProcess } from "../cluster-process.ts";
import type { Suite } from "../report.ts";

/** `INKUBE_CHURN_PODS=10000` for the long form: nine minutes, and six of rest. */
const PODS = Number(process.env["INKUBE_CHURN_PODS"] ?? 2_000);
const PODS_PER_SECOND = 20;
const ALIVE_MAX = 20;
const REST_MS = Number(process.env["INKUBE_CHURN_REST_MS"] ?? 120_000);
const MEGABYTE = 1_048_576;

/**
 * Makes and deletes pods at that rate; a round that is late is not caught up. On a busy machine a request is tried again whose
 * first try did its work: that it finds it done is no fault.
 */
const CHURN = `(async () => {
  const { hasReason, pods } = await import("inkube");
  const alive = [];
  const startMs = performance.now();
  const unlessDone = (reason) => (error) => {
    if (!hasReason(error, reason)) throw error;
  };
  for (let count = 0; count < ${PODS}; count++) {
    const name = "churn-" + count;
    const metadata = { name, namespace: "default" };
    await cluster.client.create(pods, { metadata, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "main", image: "nginx" }] } }).catch(unlessDone("AlreadyExists"));
    alive.push(name);
    if (alive.length > ${ALIVE_MAX}) await cluster.client.delete(pods, alive.shift(), "default").catch(unlessDone("NotFound"));
    const aheadMs = startMs + (count + 1) * ${1_000 / PODS_PER_SECOND} - performance.now();
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
  for (const name of alive) await cluster.client.delete(pods, name, "default").catch(unlessDone("NotFound"));
  return true;
})()`;

/** What the actors hold once their garbage is collected; supervisors, which are told among them, have no heap of their own. */
const HELD_BYTES = `(async () => {
  let heldBytes = 0;
  for (const { name } of cluster.actors()) {
    const { heapUsedBytes, arrayBufferBytes } = await cluster.inspector.collectGarbage(name).catch((error) => {
      if (error.code !== "NO_SUCH_ACTOR") throw error;
      return { heapUsedBytes: 0, arrayBufferBytes: 0 };
    });
    heldBytes += heapUsedBytes + arrayBufferBytes;
  }
  return heldBytes;
})()`;

export const churn: Suite = {
  name: "churn",
  about: `3 + 2 nodes; ${PODS} pods on threads, ${PODS_PER_SECOND} a second, ${ALIVE_MAX} alive at a time; then ${REST_MS / 1_000} s of rest`,
  run: async (report) => {
    const cluster = await startClusterProcess({ masters: 3, workers: 2 });
    const megabytes = (): number => cluster.residentBytes() / MEGABYTE;
    // What the start made is collected by then.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const beforeMb = megabytes();
    const heldBeforeMb = (await cluster.evaluate<number>(HELD_BYTES)) / MEGABYTE;
    let peakMb = beforeMb;
    const look = setInterval(() => (peakMb = Math.max(peakMb, megabytes())), 1_000);
    await cluster.evaluate<boolean>(CHURN);
    clearInterval(look);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const afterMb = megabytes();
    const heldAfterMb = (await cluster.evaluate<number>(HELD_BYTES)) / MEGABYTE;
    // The process stays, and with it what the cluster has left behind.
    await cluster.evaluate<void>("cluster.stop()");
    const stoppedMb = megabytes();
    await cluster.stop();
    report({ name: "memory before", value: beforeMb, unit: "MB" });
    const peer = { name: "memory before", value: beforeMb };
    report({ name: "memory at its highest", value: peakMb, unit: "MB", peer });
    report({ name: "memory after the rest", value: afterMb, unit: "MB", peer, target: "≤ 1.3 ×" });
    const heldPeer = { name: "before", value: heldBeforeMb };
    report({ name: "held by the actors after the rest", value: heldAfterMb, unit: "MB", peer: heldPeer });
    report({ name: "memory after stop()", value: stoppedMb, unit: "MB", peer });
  },
};
