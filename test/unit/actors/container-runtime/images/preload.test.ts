/** The container side, as it is built, inside real threads and real processes. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

let directory: string;
let preload: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "inkube-preload-"));
  preload = join(directory, "preload.cjs");
  const source = new URL("../../../../../actors/container-runtime/images/preload.ts", import.meta.url);
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile: preload,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "silent",
  });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Container {
  /** What the program says, one JSON value at a time. */
  next(): Promise<unknown>;
  readonly reports: unknown[];
  signal(name: string): void;
  readonly exit: Promise<number | null>;
}

/** Runs `code` on a thread as a driver does; `say(value)` in it talks to the test. */
function onThread(code: string, env: Record<string, string>): Container {
  const { port1, port2 } = new MessageChannel();
  const file = join(directory, `program-${Math.random()}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from "node:worker_threads";\nconst say = (value) => parentPort.postMessage(value);\n${code}`,
  );
  const worker = new Worker(file, {
    workerData: { inkube: port2 },
    transferList: [port2],
    env,
    execArgv: ["--require", preload],
  });
  const values: unknown[] = [];
  const waiting: ((value: unknown) => void)[] = [];
  worker.on("message", (value: unknown) => {
    const resolve = waiting.shift();
    if (resolve === undefined) values.push(value);
    else resolve(value);
  });
  const exit = new Promise<number>((resolve, reject) => {
    worker.once("exit", resolve);
    worker.once("error", (error) => {
      for (const tell of waiting.splice(0)) tell({ failed: String(error) });
      reject(error);
    });
  });
  exit.catch(() => undefined);
  cleanups.push(
    () => worker.terminate(),
    () => port1.close(),
  );
  const reports: unknown[] = [];
  port1.on("message", (message) => reports.push(message));
  return {
    next: () => (values.length > 0 ? Promise.resolve(values.shift()) : new Promise((resolve) => waiting.push(resolve))),
    reports,
    signal: (signal) => port1.postMessage({ kind: "signal", signal }),
    exit,
  };
}

async function serverOn(host: string): Promise<Server> {
  const server = createServer((request, response) => response.end(request.socket.remoteAddress));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanups.push(() => server.close());
  return server;
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const LISTEN = `
  import { createServer } from "node:http";
  const server = createServer((request, response) => response.end("hello"));
  server.listen(Number(process.env.WANT), process.env.HOST_ARG || undefined, () => say(server.address()));
  server.on("error", (error) => say(error.code));
`;

describe.runIf(process.platform === "linux")("a container with its own address", () => {
  it("lets two pods listen on one port, each on its own address, also when they ask for all addresses", async () => {
    const probe = await serverOn("127.64.250.1");
    const WANT = String(portOf(probe));
    await new Promise((resolve) => probe.close(resolve));
    const hosts: unknown[] = [];
    for (const [index, HOST_ARG] of ["", "0.0.0.0", "localhost", "::"].entries()) {
      const container = onThread(LISTEN, { POD_IP: `127.64.250.${index + 1}`, WANT, HOST_ARG });
      hosts.push(await container.next());
    }
    expect(hosts).toEqual(
      [1, 2, 3, 4].map((index) => ({ address: `127.64.250.${index}`, family: "IPv4", port: Number(WANT) })),
    );
  });

  it("tells its driver which port it listens on", async () => {
    const container = onThread(LISTEN, { POD_IP: "127.64.250.5", WANT: "0" });
    const { port } = (await container.next()) as AddressInfo;
    expect(await reported(container)).toEqual([{ kind: "listening", port, host: "127.64.250.5", actual: port }]);
  });

  it("makes connections to other pods from its own address, and finds its own servers on localhost", async () => {
    const other = await serverOn("127.64.250.9");
    const code = `
      import { createServer, get } from "node:http";
      const read = (url) => new Promise((resolve, reject) => get(url, (response) => {
        let text = ""; response.on("data", (part) => (text += part)).on("end", () => resolve(text));
      }).on("error", reject));
      const server = createServer((request, response) => response.end("own " + request.socket.remoteAddress));
      server.listen(0, async () => {
        const viaFetch = await fetch("http://127.64.250.9:" + process.env.OTHER).then((response) => response.text());
        say([await read("http://127.64.250.9:" + process.env.OTHER), viaFetch,
          await read("http://localhost:" + server.address().port)]);
      });
    `;
    const container = onThread(code, { POD_IP: "127.64.250.6", OTHER: String(portOf(other)) });
    expect(await container.next()).toEqual(["127.64.250.6", "127.64.250.6", "own 127.64.250.6"]);
  });

  it("finds the servers of the pod's other containers on localhost, and else the machine's", async () => {
    const sibling = await serverOn("127.64.250.8");
    const machine = await serverOn("127.0.0.1");
    const code = `
      import { get } from "node:http";
      const read = (port) => new Promise((resolve) => get("http://localhost:" + port, (response) => {
        response.on("data", (part) => resolve(String(part)));
      }).on("error", (error) => resolve(error.code)));
      say([await read(process.env.SIBLING), await read(process.env.MACHINE)]);
    `;
    const env = { POD_IP: "127.64.250.8", SIBLING: String(portOf(sibling)), MACHINE: String(portOf(machine)) };
    expect(await onThread(code, env).next()).toEqual(["127.64.250.8", "127.0.0.1"]);
  });

  it("still tells the program when its own address and port are taken", async () => {
    const other = await serverOn("127.64.250.7");
    const container = onThread(LISTEN, { POD_IP: "127.64.250.7", WANT: String(portOf(other)) });
    expect(await container.next()).toBe("EADDRINUSE");
  });

  it("takes 127.0.0.1 when the machine has no such address", async () => {
    const container = onThread(LISTEN, { POD_IP: "192.0.2.7", WANT: "0" });
    expect(await container.next()).toMatchObject({ address: "127.0.0.1" });
  });
});

/** Reports travel on a port of their own, so they may arrive after what the program says. */
async function reported(container: Container): Promise<unknown[]> {
  while (container.reports.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return container.reports;
}

describe("a container on a shared address", () => {
  it("listens on another port when its own is taken, and says so", async () => {
    const other = await serverOn("127.0.0.1");
    const want = portOf(other);
    const container = onThread(LISTEN, { POD_IP: "127.0.0.1", WANT: String(want) });
    const { port } = (await container.next()) as AddressInfo;
    expect(port).not.toBe(want);
    expect(await reported(container)).toEqual([{ kind: "listening", port: want, host: "127.0.0.1", actual: port }]);
  });

  it("listens on another port when its own needs a privilege", async () => {
    const code = `
      import net from "node:net";
      const listen2 = net.Server.prototype._listen2;
      net.Server.prototype._listen2 = function (...args) {
        if (args[1] !== 80) return listen2.apply(this, args);
        process.nextTick(() => this.emit("error", Object.assign(new Error("refused"), { code: "EACCES" })));
      };
      ${LISTEN.trim()}
    `;
    const container = onThread(code, { POD_IP: "127.0.0.1", WANT: "80" });
    const { port } = (await container.next()) as AddressInfo;
    expect(await reported(container)).toEqual([{ kind: "listening", port: 80, host: "127.0.0.1", actual: port }]);
  });
});

describe("cluster names in a container", () => {
  const ASK = `
    import { get } from "node:http";
    import dns, { lookup } from "node:dns";
    import { promises } from "node:dns";
    const read = (url) => new Promise((resolve) => get(url, (response) => {
      let text = ""; response.on("data", (part) => (text += part)).on("end", () => resolve(text));
    }).on("error", (error) => resolve(error.code)));
    const port = process.env.SERVICE_PORT;
    const found = await new Promise((resolve) => lookup("backend", (error, address) => resolve(address ?? error.code)));
    const all = await promises.lookup("backend.shop.svc.cluster.local", { all: true }).catch((error) => error.code);
    const answers = [];
    for (const name of process.env.NAMES.split(",")) answers.push(await read("http://" + name + ":" + port));
    say({ found, all, answers });
  `;

  it("come from the file that the node's kube-proxy keeps, which also knows where ports have moved", async () => {
    const backend = await serverOn("127.0.0.1");
    const hosts = join(directory, "hosts.json");
    writeFileSync(
      hosts,
      JSON.stringify({
        names: { "backend.shop": ["127.96.9.9"] },
        ports: { "127.96.9.9:80": `127.0.0.1:${portOf(backend)}` },
      }),
    );
    const names = ["backend", "backend.shop", "backend.shop.svc", "backend.shop.svc.cluster.local", "127.96.9.9"];
    const env = { POD_NAMESPACE: "shop", INKUBE_HOSTS: hosts, NAMES: names.join(","), SERVICE_PORT: "80" };
    expect(await onThread(ASK, env).next()).toEqual({
      found: "127.96.9.9",
      all: [{ address: "127.96.9.9", family: 4 }],
      answers: names.map(() => "127.0.0.1"),
    });
  });

  it("come from the Service variables while there is no file", async () => {
    const backend = await serverOn("127.0.0.1");
    const env = {
      POD_NAMESPACE: "shop",
      INKUBE_HOSTS: join(directory, "not-there.json"),
      BACKEND_SERVICE_HOST: "127.0.0.1",
      NAMES: "backend,backend.shop.svc",
      SERVICE_PORT: String(portOf(backend)),
    };
    expect(await onThread(ASK, env).next()).toMatchObject({ found: "127.0.0.1", answers: ["127.0.0.1", "127.0.0.1"] });
  });
});

describe("names that a program asks for by itself", () => {
  const ask = (questions: string): string => `
    import dns from "node:dns";
    import os from "node:os";
    import { Worker } from "node:worker_threads";
    const { promises } = dns;
    const asked = async (work) => { try { return await work(); } catch (error) { return error.code; } };
    const called = (method, ...args) => new Promise((resolve) =>
      dns[method](...args, (error, ...found) => resolve(error?.code ?? (found.length > 1 ? found : found[0]))));
    const answers = [];
    for (const question of [${questions}]) answers.push(await asked(question));
    say(answers);
  `;
  const hosts = (): string => {
    const file = join(directory, "names.json");
    const db = [
      { name: "db-0.db.shop.svc.cluster.local", port: 5432 },
      { name: "db-1.db.shop.svc.cluster.local", port: 5432 },
    ];
    writeFileSync(
      file,
      JSON.stringify({
        names: {
          "backend.shop": ["127.96.9.9"],
          "alias.shop": ["backend.shop.svc.cluster.local"],
          "again.shop": ["alias.shop.svc.cluster.local."],
          "outside.shop": ["localhost"],
          "loop.shop": ["loop.shop.svc.cluster.local"],
          "db.shop": ["127.64.0.4", "127.64.0.5"],
          "db-0.db.shop": ["127.64.0.4"],
        },
        ports: {},
        srv: {
          "_sql._tcp.db.shop": db,
          "_http._tcp.backend.shop": [{ name: "backend.shop.svc.cluster.local", port: 80 }],
        },
      }),
    );
    return file;
  };
  const env = (): Record<string, string> => ({
    POD_NAMESPACE: "shop",
    HOSTNAME: "db-0",
    INKUBE_CONTAINER_ID: "c-1",
    INKUBE_HOSTS: hosts(),
    INKUBE_ETC_HOSTS: JSON.stringify({
      "db-0": ["127.64.0.4"],
      "db-0.db.shop.svc.cluster.local": ["127.64.0.4"],
      extra: ["127.1.2.3"],
    }),
  });

  it.each<[string, string, unknown]>([
    ["an ExternalName of another Service", `() => called("lookup", "alias")`, ["127.96.9.9", 4]],
    ["an ExternalName of an ExternalName", `() => promises.lookup("again")`, { address: "127.96.9.9", family: 4 }],
    [
      "an ExternalName of the world outside",
      `async () => (await promises.lookup("outside", { family: 4 })).address`,
      "127.0.0.1",
    ],
    ["what an ExternalName stands for", `() => called("resolveCname", "alias")`, ["backend.shop.svc.cluster.local"]],
    ["an ExternalName of itself", `() => called("resolve4", "loop")`, "ENODATA"],
    ["the addresses of a headless Service", `() => called("resolve4", "db.shop.svc")`, ["127.64.0.4", "127.64.0.5"]],
    ["the same as promises", `() => promises.resolve4("db")`, ["127.64.0.4", "127.64.0.5"]],
    ["the same by type", `() => called("resolve", "db", "A")`, ["127.64.0.4", "127.64.0.5"]],
    ["the same without a type", `() => promises.resolve("db")`, ["127.64.0.4", "127.64.0.5"]],
    ["the same of a resolver", `() => new promises.Resolver().resolve4("db")`, ["127.64.0.4", "127.64.0.5"]],
    [
      "how long an address holds",
      `() => called("resolve4", "backend", { ttl: true })`,
      [{ address: "127.96.9.9", ttl: 5 }],
    ],
    ["IPv6 addresses, of which there are none", `() => called("resolve6", "backend")`, "ENODATA"],
    ["a name that the cluster hasn't", `() => called("resolve4", "none.shop.svc.cluster.local")`, "ENOTFOUND"],
    [
      "the ports of a Service",
      `() => promises.resolveSrv("_http._tcp.backend")`,
      [{ name: "backend.shop.svc.cluster.local", port: 80, priority: 0, weight: 100 }],
    ],
    [
      "the ports of a headless Service",
      `() => called("resolveSrv", "_sql._tcp.db.shop.svc.cluster.local")`,
      ["db-0", "db-1"].map((name) => ({
        name: `${name}.db.shop.svc.cluster.local`,
        port: 5432,
        priority: 0,
        weight: 50,
      })),
    ],
    ["one pod below its Service", `() => called("lookup", "db-0.db")`, ["127.64.0.4", 4]],
    ["the pod's own name", `() => called("lookup", os.hostname())`, ["127.64.0.4", 4]],
    ["the pod's own whole name", `() => called("lookup", "db-0.db.shop.svc.cluster.local")`, ["127.64.0.4", 4]],
    ["an alias of the pod's spec", `() => called("lookup", "extra")`, ["127.1.2.3", 4]],
    [
      "the host's name in a thread of the program's own",
      `() => new Promise((resolve) => new Worker('require("node:worker_threads").parentPort.postMessage(require("node:os").hostname())',
        { eval: true, env: {} }).once("message", resolve))`,
      "db-0",
    ],
    [
      "cluster names in a thread of the program's own",
      `() => new Promise((resolve) => new Worker('require("node:dns").lookup("backend", (error, address) => require("node:worker_threads").parentPort.postMessage(address))',
        { eval: true }).once("message", resolve))`,
      "127.96.9.9",
    ],
  ])("%s", async (_what, question, expected) => {
    expect(await onThread(ask(question), env()).next()).toEqual([expected]);
  });

  it("a server in a thread of the program's own is reported, too", async () => {
    const code = `
      import { Worker } from "node:worker_threads";
      new Worker('require("node:net").createServer().listen(0)', { eval: true });
    `;
    const container = onThread(code, { POD_IP: "127.0.0.1", INKUBE_CONTAINER_ID: "c-2" });
    expect(await reported(container)).toMatchObject([{ kind: "listening", host: "127.0.0.1" }]);
  });
});

it("what a program writes to its termination log is below its root", async () => {
  const code = `
    import fs, { writeFileSync, createWriteStream } from "node:fs";
    import { appendFile } from "node:fs/promises";
    writeFileSync("/dev/inkube-test-log", "a");
    await appendFile("/dev/inkube-test-log", "b");
    fs.appendFileSync("/dev/inkube-test-log", "c");
    createWriteStream("/dev/inkube-test-log", { flags: "a" }).end("d", () => say("done"));
  `;
  const env = {
    INKUBE_ROOT: join(directory, "root"),
    INKUBE_TERMINATION_LOG: join(directory, "root/dev/inkube-test-log"),
  };
  mkdirSync(join(directory, "root/dev"), { recursive: true });
  expect(await onThread(code, env).next()).toBe("done");
  expect(readFileSync(env.INKUBE_TERMINATION_LOG, "utf8")).toBe("abcd");
  expect(existsSync("/dev/inkube-test-log")).toBe(false);
});

describe("the volumes of a Node.js program", () => {
  const environment = () => ({
    INKUBE_ROOT: join(directory, "volumes"),
    INKUBE_MOUNTS: JSON.stringify(["/var/run/secrets/inkube-test", "/inkube-test/", "/", tmpdir()]),
  });

  it("are at their mount paths, by whatever way it reads and writes", async () => {
    const env = environment();
    const real = join(env.INKUBE_ROOT, "var/run/secrets/inkube-test");
    mkdirSync(real, { recursive: true });
    mkdirSync(join(env.INKUBE_ROOT, "inkube-test"), { recursive: true });
    writeFileSync(join(real, "token"), "secret");
    const code = `
      import fs, { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
      import { open, readFile } from "node:fs/promises";
      import { pathToFileURL } from "node:url";
      import { promisify } from "node:util";
      const at = "/var/run/secrets/inkube-test/token";
      const handle = await open(at);
      const streamed = [];
      for await (const piece of fs.createReadStream(at, "utf8")) streamed.push(piece);
      fs.writeFileSync("/inkube-test/one", "1");
      fs.copyFileSync("/inkube-test/one", "/inkube-test/two");
      fs.symlinkSync("two", "/inkube-test/link");
      await promisify(fs.rename)("/inkube-test/one", "/inkube-test/three");
      say(JSON.stringify([
        readFileSync(at, "utf8"),
        await readFile(pathToFileURL(at), "utf8"),
        readFileSync(Buffer.from("/var/run/../run/secrets/inkube-test/token"), "utf8"),
        await handle.readFile("utf8"),
        streamed.join(""),
        readdirSync("/var/run/secrets/inkube-test"),
        statSync(at).size,
        fs.realpathSync.native(at) === fs.realpathSync(at),
        await promisify(fs.exists)(at),
        existsSync("/var/run/secrets/inkube-tests"),
        readdirSync("/inkube-test"),
        readFileSync("/inkube-test/link", "utf8"),
      ]));
    `;
    const said = JSON.parse(String(await onThread(code, env).next())) as unknown;
    const secret = "secret";
    const files = ["link", "three", "two"];
    expect(said).toEqual([secret, secret, secret, secret, secret, ["token"], 6, true, true, false, files, "1"]);
  });

  it("do not hide what the program itself runs with", async () => {
    const file = join(directory, "own");
    writeFileSync(file, "own");
    const code = `import { readFileSync } from "node:fs"; say(readFileSync(${JSON.stringify(file)}, "utf8"));`;
    expect(await onThread(code, environment()).next()).toBe("own");
  });
});

describe("the process of a container on a thread", () => {
  it("runs the program's own SIGTERM handler, which decides how it ends", async () => {
    const container = onThread(
      `process.on("SIGTERM", (signal) => { say(signal); process.exit(7); }); setInterval(() => {}, 1e6); say("up");`,
      {},
    );
    expect(await container.next()).toBe("up");
    container.signal("SIGTERM");
    expect(await container.next()).toBe("SIGTERM");
    expect(await container.exit).toBe(7);
  });

  it("ends with 143 on SIGTERM without a handler, and on a kill of itself, while we live on", async () => {
    const container = onThread(`setInterval(() => {}, 1e6); say("up");`, {});
    await container.next();
    container.signal("SIGTERM");
    expect(await container.exit).toBe(143);
    const suicide = onThread(`setInterval(() => {}, 1e6); process.kill(process.pid, "SIGTERM");`, {});
    expect(await suicide.exit).toBe(143);
  });

  it("does not keep a finished program alive, and answers the pod's name as host name", async () => {
    const container = onThread(`import { hostname } from "node:os"; say(hostname());`, { HOSTNAME: "web-1" });
    expect(await container.next()).toBe("web-1");
    expect(await container.exit).toBe(0);
  });
});

describe("a container in a process", () => {
  const PROGRAM = `
    const { spawn } = require("child_process");
    require("net").createServer().listen(0, () => {
      console.log("up");
      spawn(process.execPath, ["-e", "console.log(process.env.INKUBE_PORTS)"], { stdio: "inherit" });
    });
  `;

  it("reports to the descriptor it is given, keeps that from its children, and takes the system's signals", async () => {
    const child = spawn(process.execPath, ["-e", PROGRAM], {
      env: { POD_IP: "127.0.0.1", INKUBE_PORTS: "4", NODE_OPTIONS: `--require ${preload}` },
      stdio: ["ignore", "pipe", "inherit", "pipe", "pipe"],
    });
    const exit = new Promise<string | null>((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
    cleanups.push(() => child.kill("SIGKILL"));
    const [reports, output] = await Promise.all([
      text(child.stdio[4] as Readable, /\n/),
      text(child.stdout as Readable, /undefined/),
    ]);
    expect(output).toBe("up\nundefined\n");
    const report = JSON.parse(reports) as { port: number; actual: number };
    expect(report).toMatchObject({ kind: "listening", host: "127.0.0.1", actual: report.port });
    child.kill("SIGTERM");
    expect(await exit).toBe("SIGTERM");
  });

  it("reports to a file just as well", async () => {
    const ports = join(directory, "ports.jsonl");
    const child = spawn(process.execPath, ["-e", `require("net").createServer().listen(0, () => process.exit())`], {
      env: { POD_IP: "127.0.0.1", INKUBE_PORTS: ports, NODE_OPTIONS: `--require ${preload}` },
    });
    await new Promise((resolve) => child.once("exit", resolve));
    expect(JSON.parse(readFileSync(ports, "utf8"))).toMatchObject({ kind: "listening", host: "127.0.0.1" });
  });
});

/** What a stream says until it has said `end`. */
function text(stream: Readable, end: RegExp): Promise<string> {
  let said = "";
  return new Promise((resolve) => {
    stream.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      if (end.test(said)) resolve(said);
    });
  });
}
