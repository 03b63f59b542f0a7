/** The Kubernetes API over HTTPS, one master, and its peer in the same run where it is at hand; else the peer's recorded figures. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiProcess } from "../api-process.ts";
import { load } from "../api-process.ts";
import { startClusterProcess } from "../cluster-process.ts";
import { startPeer } from "../peer-process.ts";
import type { Report, Suite } from "../report.ts";
import { IN_MEMORY, lists } from "./api/lists.ts";
import { podBody, requests } from "./api/requests.ts";
import type { Measured } from "./api/row.ts";
import { PODS_PATH } from "./api/row.ts";
import { watches } from "./api/watches.ts";
import { writes } from "./api/writes.ts";

const RECORDED = "kube-apiserver 1.37, recorded";
const BESIDE = "kube-apiserver 1.37";

/** In this order: the lists are of what the requests have made. */
const ROWS = [requests, lists, writes, watches];

export const api: Suite = {
  name: "api",
  about:
    "one API server and one etcd on each side, no controllers; HTTP/2 over TLS, 64 in flight; CPU of both; medians of 5 rounds",
  run: async (report) => {
    if (spawnSync("h2load", ["--version"]).error !== undefined) {
      console.log("  not run: it needs h2load (Debian: apt-get install nghttp2-client)");
      return;
    }
    const peer = await startPeer();
    const beside = new Map<string, number>();
    if (peer !== undefined) await measure(peer, ({ name, value }) => void beside.set(name, value));
    await measure(await startClusterProcess({ masters: 1, workers: 0, controllers: false }), (measured) => {
      const { name, value, unit, recorded, target, against } = measured;
      const found = beside.get(name);
      const known = recorded === undefined ? undefined : { name: RECORDED, value: recorded };
      const held = found === undefined ? (against ?? known) : { name: BESIDE, value: found };
      report({
        ...{ name, value, unit },
        ...(held === undefined ? {} : { peer: held }),
        ...(target === undefined ? {} : { target }),
      });
    });
    await wholeControlPlane(report);
  },
};

/** What our scheduler and controllers know of the pods besides. The peer has them in programs of their own, which are not run. */
async function wholeControlPlane(report: Report): Promise<void> {
  const cluster = await startClusterProcess({ masters: 1, workers: 0 });
  const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
  try {
    const bodyFile = join(directory, "pod.json");
    writeFileSync(bodyFile, podBody({ generateName: "bench-" }));
    await load(cluster, { path: PODS_PATH, count: IN_MEMORY, bodyFile });
    const name = `memory with ${IN_MEMORY.toLocaleString("en-US")} pods, scheduler and controllers besides`;
    report({ name, value: cluster.residentBytes() / 1e6, unit: "MB" });
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(process: ApiProcess, take: (measured: Measured) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
  try {
    for (const row of ROWS) await row(process, directory, take);
  } finally {
    await process.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
