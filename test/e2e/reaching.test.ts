/** Reaching into containers: by kubectl over WebSockets and over SPDY, by the official JavaScript client, by our own, and by who means ill. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { PassThrough, Writable } from "node:stream";
import type { V1Status } from "@kubernetes/client-node";
import { Attach, Cp, Exec, KubeConfig, PortForward } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webSocketFrame } from "../../actors/client/core/streaming/websocket.ts";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { until } from "../fixtures/until.ts";

const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" };
const TICKS = "while true; do echo tick; sleep 0.05; done";

let cluster: Cluster;
let overWebSockets: Kubectl;
let overSpdy: Kubectl;
let config: KubeConfig;

function pod(name: string, container: object): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 0,
      restartPolicy: "Never",
      containers: [{ name: "main", image: "busybox", ...container }],
    },
  };
}

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1 });
  overWebSockets = new Kubectl(cluster.kubeconfig);
  overSpdy = new Kubectl(cluster.kubeconfig, SPDY);
  config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig);
  const pods = [
    pod("process", { command: ["sh", "-c", TICKS], env: [{ name: "GREETING", value: "hello" }] }),
    pod("thread", { image: "nginx" }),
    pod("reader", { command: ["sh", "-c", "read x; echo got $x; sleep 600"], stdin: true, stdinOnce: true }),
    pod("terminal", { command: ["sh"], stdin: true, tty: true }),
    pod("quiet", { image: "registry.k8s.io/pause" }),
  ];
  await cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: pods }));
  for (const name of ["process", "thread", "reader", "terminal", "quiet"])
    await cluster.waitFor(`pod/${name}`, "Ready");
});
afterAll(async () => {
  overWebSockets?.close();
  overSpdy?.close();
  await cluster?.stop();
});

describe.each([
  ["WebSockets", () => overWebSockets],
  ["SPDY", () => overSpdy],
])("kubectl over %s", (_name, kubectlOf) => {
  it.each(["process", "thread"])("runs a command in a %s, and ends as it does", async (name) => {
    const script = "echo out; echo err >&2; exit 3";
    const { code, stdout, stderr } = await kubectlOf().try(`exec ${name} -- sh -c '${script}'`);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "out\n" });
    expect(stderr).toBe("err\ncommand terminated with exit code 3\n");
  });

  it("gives a command what comes on its own input, to the last byte, and the other way", async () => {
    const text = randomBytes(600_000).toString("hex");
    expect((await kubectlOf().run("exec -i process -- cat", text)) === text).toBe(true);
  });

  it("says of a command that is not there what a runtime says", async () => {
    const { code, stderr } = await kubectlOf().try("exec process -- no-such-command");
    expect(code).toBe(1);
    expect(stderr).toContain('exec: "no-such-command": executable file not found in $PATH');
  });

  it("copies files into a container and back", async () => {
    const kubectl = kubectlOf();
    const bytes = randomBytes(300_000);
    writeFileSync(join(kubectl.directory, "there"), bytes);
    await kubectl.run("cp there thread:/usr/share/nginx/html/file");
    await kubectl.run("cp thread:/usr/share/nginx/html/file back");
    expect(readFileSync(join(kubectl.directory, "back")).equals(bytes)).toBe(true);
  });

  it("forwards a port to a pod, and tells of one on which nobody listens", async () => {
    const kubectl = kubectlOf();
    const forward = kubectl.follow("port-forward pod/thread :80 :81");
    const portOf = (remote: number): Promise<string> =>
      until("kubectl tells its ports", () => new RegExp(`127.0.0.1:(\\d+) -> ${remote}\n`).exec(forward.output())?.[1]);
    const open = `http://127.0.0.1:${await portOf(80)}/`;
    const pages = await Promise.all([1, 2, 3, 4].map(async () => await (await fetch(open)).text()));
    expect(new Set(pages).size).toBe(1);
    expect(pages[0]).toContain("Welcome to nginx!");
    await expect(fetch(`http://127.0.0.1:${await portOf(81)}/`)).rejects.toThrow();
    await until("the refusal is told", () => forward.output().includes("connection refused"));
    forward.stop();
  });

  it("attaches to what a container writes", async () => {
    const attached = kubectlOf().follow("attach process");
    await until("a tick", () => attached.output().includes("tick\n"));
    attached.stop();
  });
});

it("kubectl run -i gives its input to the pod, and ends as the pod does", async () => {
  const ran = await overWebSockets.try(
    "run once -i --rm --image busybox --restart Never --pod-running-timeout 30s -- sh -c 'read x; echo got $x; exit 4'",
    "words\n",
  );
  expect(ran.stdout).toContain("got words\n");
  expect(ran.code).toBe(4);
});

it("kubectl finds the site of nginx where the image has it, and what it writes there is served", async () => {
  expect(await overWebSockets.run("exec thread -- ls /usr/share/nginx/html")).toContain("index.html\n");
  await overWebSockets.run("exec thread -- sh -c 'echo mine > /usr/share/nginx/html/mine.txt'");
  await using forward = await cluster.portForward("thread", 80);
  expect(await (await fetch(`http://127.0.0.1:${forward.port}/mine.txt`)).text()).toBe("mine\n");
});

it("kubectl is told that a simulated container has nothing to reach into", async () => {
  for (const asked of ["exec quiet -- true", "attach quiet"]) {
    const { code, stderr } = await overSpdy.try(asked);
    expect(code).toBe(1);
    expect(stderr).toMatch(/container "main" is simulated, (no command can be run in it|it has no output)/);
  }
});

it("kubectl logs -f ends with the limit that it is given, as without -f", async () => {
  expect(await overWebSockets.run("logs -f process --limit-bytes 12")).toBe("tick\ntick\nti");
  expect(await overWebSockets.run("logs -f process --tail 0 --limit-bytes 7")).toBe("tick\nti");
});

/** What it is given, as text. */
class Text extends Writable {
  text = "";
  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.text += bytes.toString();
    done();
  }
}

/** As client-node looks for a terminal's size. */
class Screen extends Text {
  rows = 24;
  columns = 80;
}

describe("@kubernetes/client-node", () => {
  it("runs a command on a terminal, and changes its size", async () => {
    const screen = new Screen();
    const stdin = new PassThrough();
    const ended = new Promise<V1Status>((resolve) => {
      const command = ["sh", "-c", "while read x && [ -z $x ]; do stty size; done; exit 7"];
      void new Exec(config).exec("default", "process", "main", command, screen, null, stdin, true, resolve);
    });
    const shows = (size: string): Promise<true> =>
      until(`the size ${size}`, () => {
        stdin.write("\r");
        return screen.text.includes(size) || undefined;
      });
    await shows("24 80");
    Object.assign(screen, { rows: 31, columns: 111 });
    screen.emit("resize");
    await shows("31 111");
    stdin.write("x\r");
    const status = await ended;
    expect(status.details?.causes).toEqual([{ reason: "ExitCode", message: "7" }]);
  });

  it("attaches to a container that reads, and to a terminal", async () => {
    const output = new Text();
    const stdin = new PassThrough();
    await new Attach(config).attach("default", "reader", "main", output, null, stdin, false);
    stdin.write("this\n");
    await until("the reader's answer", () => output.text.includes("got this\n"));
    const screen = new Screen();
    const keys = new PassThrough();
    await new Attach(config).attach("default", "terminal", "main", screen, null, keys, true);
    keys.write("test -t 0 && echo a terminal\r");
    await until("the terminal's answer", () => screen.text.includes("\r\na terminal\r\n"));
  });

  it("forwards a port", async () => {
    const answer = new Text();
    const asked = new PassThrough();
    await new PortForward(config, true).portForward("default", "thread", [80], answer, null, asked);
    asked.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until("a page", () => answer.text.includes("Welcome to nginx!"));
  });

  it("copies into a container", async () => {
    const directory = join(overSpdy.directory, "some");
    mkdirSync(directory);
    writeFileSync(join(directory, "one.txt"), "one");
    await new Cp(config).cpToPod("default", "thread", "main", directory, "/usr/share/nginx/html");
    const read = ["cat", "/usr/share/nginx/html/one.txt"];
    await until("the file is there", async () => (await cluster.exec("thread", read)).stdout === "one");
  });
});

describe("Cluster", () => {
  it("runs a command in the container's environment, with what it is given to read", async () => {
    const ran = await cluster.exec("process", ["sh", "-c", 'read x; echo "$GREETING $x"; exit 5'], { stdin: "you" });
    expect(ran).toEqual({ exitCode: 5, stdout: "hello you\n", stderr: "" });
  });

  it("is refused as kubectl is", async () => {
    await expect(cluster.exec("nobody", ["true"])).rejects.toMatchObject({ message: 'pods "nobody" not found' });
    const elsewhere = cluster.exec("process", ["true"], { container: "other" });
    await expect(elsewhere).rejects.toMatchObject({ message: "container other is not valid for pod process" });
  });

  it("ends a command by its signal", async () => {
    const stop = new AbortController();
    const ran = cluster.exec("process", ["sh", "-c", "echo $$ > pid; exec sleep 600"], { signal: stop.signal });
    const pidOf = async (): Promise<string> => (await cluster.exec("process", ["sh", "-c", "cat pid || true"])).stdout;
    const pid = await until("the process id", async () => (await pidOf()).trim() || undefined);
    stop.abort();
    await expect(ran).rejects.toMatchObject({ code: "CANCELLED" });
    await until("the command is gone", () => !isAlive(Number(pid)));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Opened {
  readonly status: number;
  readonly text: string;
  readonly socket: Duplex | undefined;
}

/** Asks for a change of protocol, by hand. */
function opened(path: string, headers: Readonly<Record<string, string>>, method = "GET"): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const { authority, token, server } = cluster;
    const outgoing = request(new URL(`/api/v1/namespaces/default/pods/${path}`, server), {
      agent: false,
      ca: authority,
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    outgoing.on("error", reject);
    outgoing.on("upgrade", (answer: IncomingMessage, socket: Duplex) => {
      socket.on("error", () => undefined);
      resolve({ status: answer.statusCode ?? 0, text: "", socket });
    });
    outgoing.on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, socket: undefined }));
    });
    outgoing.end();
  });
}

const webSocket = (protocol: string): Record<string, string> => ({
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": randomBytes(16).toString("base64"),
  "sec-websocket-protocol": protocol,
});
const spdy = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" };
const ended = (socket: Duplex): Promise<void> => new Promise((resolve) => socket.resume().once("close", resolve));
const MASK = Uint8Array.of(1, 2, 3, 4);

describe("who asks", () => {
  it.each([
    ["without an upgrade", "process/exec?command=true&stdout=1", {}, 400, "Upgrade request required"],
    ["for no stream", "process/exec?command=true", webSocket("v4.channel.k8s.io"), 400, "at least 1 of stdin"],
    ["with a protocol that nobody knows", "process/exec?command=true&stdout=1", webSocket("x"), 403, "not supported"],
    ["to change to another one", "process/exec?command=true&stdout=1", { ...spdy, upgrade: "h9" }, 403, "h9"],
    ["for ports, and names none", "thread/portforward", webSocket("v4.channel.k8s.io"), 400, "port"],
  ])("%s is refused in words", async (_what, path, headers, status, words) => {
    const answer = await opened(path, headers);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(words);
  });

  it("by another method is refused as by the API server", async () => {
    expect((await opened("process/exec?command=true&stdout=1", spdy, "DELETE")).status).toBe(405);
  });

  it.each(["v4.channel.k8s.io", "v4.base64.channel.k8s.io"])(
    "in %s, as other clients do, is answered in it",
    async (name) => {
      const { socket } = await opened("process/exec?command=echo&command=hi&stdout=1", webSocket(name));
      let text = "";
      socket?.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
      await ended(socket!);
      const isBase64 = name.includes("base64");
      expect(text).toContain(isBase64 ? `1${Buffer.from("hi\n").toString("base64")}` : "\u0001hi\n");
      const success = Buffer.from('{"metadata":{},"status":"Success"}');
      expect(text).toContain(isBase64 ? `3${success.toString("base64")}` : `\u0003${success.toString()}`);
    },
  );
});

describe("who means ill", () => {
  const command = "process/exec?command=sleep&command=600&stdin=1&stdout=1";

  it("with a frame that is none is cut off, and its command ends", async () => {
    const { socket } = await opened(command, webSocket("v5.channel.k8s.io"));
    socket!.write(Buffer.alloc(20, 0xff));
    await ended(socket!);
  });

  it("on a channel that is not there is not heard", async () => {
    const { socket } = await opened("process/exec?command=cat&stdin=1&stdout=1", webSocket("v5.channel.k8s.io"));
    let text = "";
    socket!.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    socket!.write(webSocketFrame(2, [Uint8Array.of(77), Buffer.from("nobody")], MASK));
    socket!.write(webSocketFrame(2, [Uint8Array.of(255, 200)], MASK));
    socket!.write(webSocketFrame(2, [Uint8Array.of(0), Buffer.from("somebody")], MASK));
    socket!.write(webSocketFrame(2, [Uint8Array.of(255, 0)], MASK));
    await until("the command's end", () => text.includes("Success"));
    expect(text).toContain("\u0001somebody");
    expect(text).not.toContain("nobody");
  });

  it("and reads nothing holds up its own command, and nobody else", async () => {
    const { socket } = await opened("process/exec?command=yes&stdout=1", webSocket("v5.channel.k8s.io"));
    socket!.pause();
    const attached = await opened("process/attach?stdout=1", webSocket("v5.channel.k8s.io"));
    attached.socket!.pause();
    expect((await cluster.exec("process", ["echo", "well"])).stdout).toBe("well\n");
    socket!.destroy();
    attached.socket!.destroy();
  });

  it("speaks no SPDY where it said so is cut off", async () => {
    const { socket } = await opened(command, spdy, "POST");
    socket!.write(Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(20)).fill(0xff, 0, 8));
    await ended(socket!);
  });
});

describe("what dies in the middle", () => {
  it.each(["api-server-0", "worker-0/kubelet"])("ends a command with an error: %s", async (actor) => {
    const ran = cluster.exec("process", ["sh", "-c", "echo $$ > pid-of; exec sleep 600"]);
    const failed = expect(ran).rejects.toMatchObject({ code: "STREAM_BROKEN" });
    const pidOf = (): Promise<string> =>
      cluster.exec("process", ["sh", "-c", "cat pid-of || true"]).then(({ stdout }) => stdout.trim());
    const pid = await until("the process id", async () => (await pidOf()) || undefined);
    await cluster.kill(actor);
    await failed;
    await until("the command is gone", () => !isAlive(Number(pid)));
    await until("the next incarnation", () =>
      cluster.exec("process", ["rm", "pid-of"]).then(
        () => true,
        () => false,
      ),
    );
  });
});
