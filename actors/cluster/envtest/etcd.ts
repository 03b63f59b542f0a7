/**
 * `etcd` for envtest: it answers the health checks, and says where `kube-apiserver` of this folder keeps its data, which is in
 * the data directory that this program was given. So an API server that is restarted on the same etcd has its objects again.
 * Clients of etcd itself find none here.
 */
import { mkdtempSync, rmSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import { ETCD } from "./command-lines.ts";
import type { EtcdData } from "./program.ts";
import { DATA_PATH, onceAsked, run } from "./program.ts";

void run(ETCD, async (flags) => {
  const given = flags.value("data-dir");
  const dataDir = given === undefined ? mkdtempSync(join(tmpdir(), "inkube-etcd-")) : resolve(given);
  const data: EtcdData = { dataDir, fsync: !flags.isOn("unsafe-no-fsync") };
  const urls = flags.list("listen-client-urls");
  const servers = await Promise.all(
    (urls.length > 0 ? urls : ["http://localhost:2379"]).map((url) => serve(url, data)),
  );
  await onceAsked();
  for (const server of servers) server.close();
  for (const server of servers) server.closeAllConnections();
  if (given === undefined) rmSync(dataDir, { recursive: true, force: true });
});

function serve(text: string, data: EtcdData): Promise<Server> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:")
    throw new InkubeError("INVALID_ARGUMENT", `${text} is no URL that begins with http://`);
  const server = createServer(answer(data));
  return new Promise((listening, failed) => {
    server.once("error", failed);
    server.listen(Number(url.port || 80), url.hostname.replace(/^\[|\]$/g, ""), () => listening(server));
  });
}

function answer(data: EtcdData): RequestListener {
  return ({ url }, response) => {
    const value = ANSWERS.get(url?.split("?")[0] ?? "") ?? (url === DATA_PATH ? data : undefined);
    response.writeHead(value === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(
      value === undefined ? '{"error":"inkube\'s etcd serves no clients of its own"}' : JSON.stringify(value),
    );
  };
}

const HEALTH = { health: "true", reason: "" };
const ANSWERS: ReadonlyMap<string, object> = new Map<string, object>([
  ["/health", HEALTH],
  ["/livez", HEALTH],
  ["/readyz", HEALTH],
  ["/version", { etcdserver: "3.7.0", etcdcluster: "3.7.0" }],
]);
