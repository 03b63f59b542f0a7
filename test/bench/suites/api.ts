/** The Kubernetes API over HTTPS, one master, and its peer in the same run where it is at hand; else the peer's recorded figures. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiProcess } from "../api-process.ts";
import { startClusterProcess } from "../cluster-process.ts";
import { startPeer } from "../peer-process.ts";
import type { Suite } from "../report.ts";
import { lists } from "./api/lists.ts";
import { requests } from "./api/requests.ts";
import type { Measured } from "./api/row.ts";
import { watches } from "./api/watches.ts";
import { writes } from "./api/writes.ts";

const RECORDED = "kube-apiserver 1.37, recorded";
const BESIDE = "kube-apiserver 1.37";

/** In this order: the lists are of what the requests have made. */
const ROWS = [requests, lists, writes, watches];

export const api: Suite = {
  name: "api",
  about: "one master, HTTP/2 over TLS, 64 in flight; CPU of the whole cluster; medians of 5 rounds",
  run: async (report) => {
    if (spawnSync("h2load", ["--version"]).error !== undefined) {
      console.log("  not run: it needs h2load (Debian: apt-get install nghttp2-client)");
      return;
    }
    const peer = await startPeer();
    const beside = new Map<string, number>();
    if (peer !== undefined) await measure(peer, ({ name, value }) => void beside.set(name, value));
    await measure(await startClusterProcess({ masters: 1, workers: 0 }), (measured) => {
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
  },
};

async function measure(process: ApiProcess, take: (measured: Measured) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
  try {
    for (const row of ROWS) await row(process, directory, take);
  } finally {
    await process.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
