/**
 * The peer, where it is at hand: etcd 3.7 and kube-apiserver 1.37 in one binary, which `INKUBE_BENCH_PEER` names, and whose first
 * argument says which of them it is.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiProcess } from "./api-process.ts";
import { send } from "./api-process.ts";
import { cpuMsOf, residentBytesOf } from "./process-figures.ts";

const READY_WITHIN_MS = 120_000;

/** Undefined where there is none. */
export async function startPeer(): Promise<ApiProcess | undefined> {
  const binary = process.env["INKUBE_BENCH_PEER"] ?? join(homedir(), ".cache/inkube-oracle/components");
  if (!existsSync(binary)) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "inkube-bench-peer-"));
  const token = randomUUID();
  const tokens = join(directory, "tokens.csv");
  const key = join(directory, "sa.key");
  writeFileSync(tokens, `${token},admin,admin,system:masters\n`);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  writeFileSync(key, privateKey.export({ type: "pkcs1", format: "pem" }));
  const [client = 0, peer = 0, secure = 0] = await freePorts(3);
  const logs = openSync(join(directory, "log"), "w");
  const start = (...flags: readonly string[]): ChildProcess => spawn(binary, flags, { stdio: ["ignore", logs, logs] });
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const children = [
    start(
      "etcd",
      ...["--name", "peer", "--data-dir", join(directory, "etcd"), "--log-level", "warn"],
      ...[
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=peer=${peerUrl}`,
      ],
    ),
    start(
      "kube-apiserver",
      `--etcd-servers=${clientUrl}`,
      ...[
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--secure-port=${secure}`,
        `--cert-dir=${join(directory, "serving")}`,
        `--token-auth-file=${tokens}`,
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
        "--endpoint-reconciler-type=none",
        // Without a controller manager no namespace has an account for its pods.
        "--disable-admission-plugins=ServiceAccount",
      ],
    ),
  ];
  const pids = children.map(({ pid = 0 }) => pid);
  const sum = (of: (pid: number) => number): number => pids.reduce((total, pid) => total + of(pid), 0);
  const api: ApiProcess = {
    server: `https://127.0.0.1:${secure}`,
    token,
    cpuMs: () => sum(cpuMsOf),
    residentBytes: () => sum(residentBytesOf),
    stop: async () => {
      await Promise.all(children.map(ended));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await ready(api, children);
  return api;
}

async function ready(api: ApiProcess, children: readonly ChildProcess[]): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await send(api, { method: "GET", path: "/readyz" });
      return;
    } catch (error) {
      if (performance.now() < deadline && children.every(({ exitCode }) => exitCode === null)) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      await api.stop();
      throw new Error("the peer does not start", { cause: error });
    }
  }
}

/** Its state is thrown away: nothing is gained by a graceful end, which takes kube-apiserver a minute. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
