/**
 * The folder of `inkube envtest-assets` takes the command lines and probes of controller-runtime's envtest 0.25, as recorded from
 * `pkg/internal/testing`: `--help` first, then the flags below, then health by polling without a look at the certificate.
 */
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeAuthority, makeCertificate } from "../../../actors/cluster/io/certificates.ts";
import { CLI } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const clientAuthority = makeAuthority("envtest-clients", Date.now());
const servingAuthority = makeAuthority("envtest-serving", Date.now());
const serving = makeCertificate(servingAuthority, { commonName: "localhost" }, ["127.0.0.1", "localhost"], Date.now());
const signing = makeAuthority("envtest-tokens", Date.now());
const admin = makeCertificate(
  clientAuthority,
  { commonName: "default-user", organizations: ["system:masters"] },
  [],
  Date.now(),
);

let home: string;
let assets: string;
const running: ChildProcess[] = [];
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "inkube-test-envtest-"));
  const env = { ...process.env, XDG_CACHE_HOME: home };
  assets = spawnSync(process.execPath, [CLI, "envtest-assets"], { encoding: "utf8", env }).stdout.trim();
  writeFileSync(join(home, "apiserver.crt"), serving.certificate);
  writeFileSync(join(home, "apiserver.key"), serving.key);
  writeFileSync(join(home, "client-cert-auth-ca.crt"), clientAuthority.certificate);
  writeFileSync(join(home, "sa-signer.crt"), signing.certificate);
  writeFileSync(join(home, "sa-signer.key"), signing.key);
});
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** On stderr, so far. */
  said(): string;
}

function start(program: string, args: readonly string[]): Started {
  const child = spawn(join(assets, program), args, { stdio: ["ignore", "ignore", "pipe"] });
  running.push(child);
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => (text += String(chunk)));
  return { child, exited: once(child, "exit").then(([code]) => code as number | null), said: () => text };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function etcd(port: number): Started {
  return start("etcd", [
    `--advertise-client-urls=http://127.0.0.1:${port}`,
    `--data-dir=${join(home, "etcd")}`,
    `--listen-client-urls=http://127.0.0.1:${port}`,
    "--listen-peer-urls=http://127.0.0.1:0",
    "--unsafe-no-fsync=true",
  ]);
}

function apiServer(port: number, etcdPort: number, more: readonly string[] = []): Started {
  return start("kube-apiserver", [
    "--allow-privileged=true",
    "--authorization-mode=RBAC",
    "--bind-address=127.0.0.1",
    `--cert-dir=${home}`,
    `--client-ca-file=${join(home, "client-cert-auth-ca.crt")}`,
    "--disable-admission-plugins=ServiceAccount",
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    `--secure-port=${port}`,
    `--service-account-issuer=https://127.0.0.1:${port}/`,
    `--service-account-key-file=${join(home, "sa-signer.crt")}`,
    `--service-account-signing-key-file=${join(home, "sa-signer.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    ...more,
  ]);
}

interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
  readonly json: any;
}

function ask(port: number, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `https://127.0.0.1:${port}${path}`,
      {
        method,
        ca: servingAuthority.certificate,
        cert: admin.certificate,
        key: admin.key,
        agent: false,
        headers: { "content-type": "application/json" },
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += String(chunk)));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            json: text.startsWith("{") ? (JSON.parse(text) as unknown) : text,
          }),
        );
      },
    );
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const healthy = (what: string, url: () => Promise<boolean>): Promise<boolean> => until(what, url);
const isServing = (port: number) => async (): Promise<boolean> => (await ask(port, "GET", "/healthz")).status === 200;

async function stopped({ child, exited }: Started): Promise<number | null> {
  child.kill("SIGTERM");
  return exited;
}

describe("the folder for envtest", () => {
  it("tells by --help which flags there are, one a line", () => {
    const help = (program: string): string => spawnSync(join(assets, program), ["--help"], { encoding: "utf8" }).stdout;
    expect(help("kube-apiserver")).toMatch(/^\s*--etcd-servers\b/m);
    // Its presence would say that this is an old API server.
    expect(help("kube-apiserver")).not.toMatch(/^\s*--insecure-port\b/m);
    expect(help("etcd")).toMatch(/^\s*--unsafe-no-fsync\b/m);
  });

  it("serves its command lines, keeps the objects over a restart of the API server, and ends on SIGTERM", async () => {
    const [etcdPort, port] = [await freePort(), await freePort()];
    const store = etcd(etcdPort);
    await healthy("etcd is healthy", async () => (await fetch(`http://127.0.0.1:${etcdPort}/health`)).ok);
    const first = apiServer(port, etcdPort, ["--feature-gates=Some=true"]);
    await healthy("the API server is healthy", isServing(port));
    const maps = "/api/v1/namespaces/default/configmaps";
    const made = await ask(port, "POST", maps, { metadata: { name: "kept" }, data: { a: "b" } });
    expect(made.status, JSON.stringify(made.json)).toBe(201);
    const service = { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } };
    const web = await ask(port, "POST", "/api/v1/namespaces/default/services", service);
    expect(web.json.spec.clusterIP).toMatch(/^10\.0\.0\.\d+$/);
    expect(first.said()).toContain("--authorization-mode=RBAC is not honoured");
    expect(first.said()).toContain("--feature-gates is not honoured");
    expect(await stopped(first)).toBe(0);

    const second = apiServer(port, etcdPort);
    await healthy("the second one is healthy", isServing(port));
    expect((await ask(port, "GET", `${maps}/kept`)).json.data).toEqual({ a: "b" });
    expect(await stopped(second)).toBe(0);
    expect(await stopped(store)).toBe(0);
  });

  it("signs tokens with the key that it is given, for the issuer that it is told", async () => {
    const [etcdPort, port] = [await freePort(), await freePort()];
    const store = etcd(etcdPort);
    await healthy("etcd is healthy", async () => (await fetch(`http://127.0.0.1:${etcdPort}/health`)).ok);
    const server = apiServer(port, etcdPort);
    await healthy("the API server is healthy", isServing(port));
    const accounts = "/api/v1/namespaces/default/serviceaccounts";
    await ask(port, "POST", accounts, { metadata: { name: "robot" } });
    const { json } = await ask(port, "POST", `${accounts}/robot/token`, { spec: {} });
    const [, claims = ""] = (json.status.token as string).split(".");
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
      iss: `https://127.0.0.1:${port}/`,
      sub: "system:serviceaccount:default:robot",
    });
    expect(await stopped(server)).toBe(0);
    expect(await stopped(store)).toBe(0);
  });

  it("refuses to start without its etcd, and says which one it needs", async () => {
    const server = apiServer(await freePort(), await freePort());
    expect(await server.exited).toBe(1);
    expect(server.said()).toContain("inkube's etcd does not answer there");
  });

  it.each([
    ["kube-apiserver", ["--secure-port=many"], 'invalid argument "many" for "--secure-port" flag'],
    ["kube-apiserver", ["--client-ca-file=/nowhere"], "--client-ca-file: ENOENT"],
    ["kube-apiserver", ["--secure-port"], "flag needs an argument: --secure-port"],
    ["etcd", ["--listen-client-urls=ftp://x"], "no URL that begins with http://"],
    ["etcd", ["word"], 'there is no argument "word"'],
  ])("refuses what %s can't use: %j", async (program, args, why) => {
    const started = start(program, args);
    expect(await started.exited).toBe(1);
    expect(started.said()).toContain(why);
  });
});
