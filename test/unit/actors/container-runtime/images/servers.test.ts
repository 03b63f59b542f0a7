import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agnhostCommand, numberFlag } from "../../../../../actors/container-runtime/images/agnhost-commands.ts";
import { createWebSite, gracefulEnd } from "../../../../../actors/container-runtime/images/web-site.ts";

let directory: string;
let open: Server[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "inkube-site-"));
  open = [];
});
afterEach(() => {
  for (const server of open) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(directory, { recursive: true, force: true });
});

async function start(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

interface Reply {
  readonly status: number;
  readonly headers: { readonly [name: string]: unknown };
  readonly text: string;
}

function fetchRaw(port: number, path: string, method = "GET", headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    })
      .on("error", reject)
      .end();
  });
}

describe("the web server image", () => {
  it("shows a welcome page while nothing is mounted, and 404 elsewhere", async () => {
    const port = await start(createWebSite({ roots: [join(directory, "absent")], log: () => undefined }));
    expect((await fetchRaw(port, "/")).text).toContain("<h1>Welcome to nginx!</h1>");
    expect((await fetchRaw(port, "/other")).status).toBe(404);
    expect((await fetchRaw(port, "/", "POST")).status).toBe(405);
  });

  it("serves the files of a mounted directory with their types, through the links of a volume", async () => {
    mkdirSync(join(directory, "..data"));
    writeFileSync(join(directory, "..data", "index.html"), "<p>mine</p>");
    symlinkSync(join("..data", "index.html"), join(directory, "index.html"));
    writeFileSync(join(directory, "data.json"), "{}");
    writeFileSync(join(directory, "empty.txt"), "");
    mkdirSync(join(directory, "sub"));
    const port = await start(createWebSite({ roots: [directory], log: () => undefined }));
    expect(await fetchRaw(port, "/?a=b")).toMatchObject({ status: 200, text: "<p>mine</p>" });
    expect((await fetchRaw(port, "/data.json")).headers["content-type"]).toBe("application/json");
    expect(await fetchRaw(port, "/empty.txt")).toMatchObject({ status: 200, text: "" });
    expect(await fetchRaw(port, "/data.json", "HEAD")).toMatchObject({ status: 200, text: "" });
    expect((await fetchRaw(port, "/sub")).headers["location"]).toBe("/sub/");
    expect((await fetchRaw(port, "/sub/")).status).toBe(403);
  });

  it("never leaves its directory", async () => {
    const root = join(directory, "html");
    mkdirSync(root);
    writeFileSync(join(directory, "secret"), "secret");
    const port = await start(createWebSite({ roots: [root], log: () => undefined }));
    for (const path of ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/a/..%2f..%2fsecret", "/%00", "/%zz"]) {
      const reply = await fetchRaw(port, path);
      expect([400, 404]).toContain(reply.status);
      expect(reply.text).not.toContain("secret");
    }
  });

  it("logs each request as nginx does, and lets no request break its line", async () => {
    const lines: string[] = [];
    let told: () => void = () => undefined;
    const logged = new Promise<void>((resolve) => (told = resolve));
    const log = (line: string): void => {
      if (lines.push(line) === 2) told();
    };
    const port = await start(createWebSite({ roots: [], log }));
    await fetchRaw(port, "/", "GET", { "user-agent": 'kube-probe "1.37"' });
    await fetchRaw(port, '/missing"x');
    await logged;
    expect(lines[0]).toMatch(
      /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/ HTTP\/1\.1" 200 \d+ "-" "kube-probe \\x221\.37\\x22" "-"$/,
    );
    expect(lines[1]).toContain('"GET /missing\\x22x HTTP/1.1" 404');
  });

  it("finishes what is under way when it ends, and drops what is idle", async () => {
    const server = createWebSite({ roots: [], log: () => undefined });
    const end = gracefulEnd(server);
    const port = await start(server);
    const idle = connect(port, "127.0.0.1");
    await new Promise((resolve) => idle.once("connect", resolve));
    const idleClosed = new Promise((resolve) => idle.once("close", resolve));
    await fetchRaw(port, "/");
    await new Promise<void>((resolve) => end(resolve));
    await idleClosed;
    await expect(fetchRaw(port, "/")).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe("agnhost", () => {
  function server(args: readonly string[], exit: (code: number) => void = () => undefined): Server {
    const command = agnhostCommand(args, { exit, log: () => undefined });
    if (command.kind !== "server") throw new Error(command.kind);
    return command.server;
  }

  it("serves its host name on 9376 unless told otherwise", async () => {
    expect(agnhostCommand(["serve-hostname"], { exit: () => undefined, log: () => undefined })).toMatchObject({
      port: 9_376,
    });
    const port = await start(server(["serve-hostname", "--port=80"]));
    expect((await fetchRaw(port, "/")).text).toBe(hostname());
  });

  it("answers the paths of netexec, and refuses to run commands", async () => {
    let told: (code: number) => void = () => undefined;
    const exited = new Promise<number>((resolve) => (told = resolve));
    const port = await start(server(["netexec", "--http-port", "80"], (code) => told(code)));
    expect((await fetchRaw(port, "/hostname")).text).toBe(hostname());
    expect(await fetchRaw(port, "/echo?msg=hi&code=418")).toMatchObject({ status: 418, text: "hi" });
    expect((await fetchRaw(port, "/clientip")).text).toMatch(/^127\.0\.0\.1:\d+$/);
    expect((await fetchRaw(port, "/healthz")).status).toBe(200);
    expect((await fetchRaw(port, "/shell?cmd=id")).status).toBe(403);
    expect((await fetchRaw(port, "/exit?code=3")).status).toBe(200);
    expect(await exited).toBe(3);
  });

  it("reads flags as Go does, and says what it can't do", () => {
    expect(numberFlag(["--a", "x", "-http-port=81"], "http-port", 1)).toBe(81);
    expect(numberFlag(["--http-port", "82"], "http-port", 1)).toBe(82);
    expect(numberFlag(["--http-port", "many"], "http-port", 1)).toBe(1);
    const command = agnhostCommand(["fake-gitserver"], { exit: () => undefined, log: () => undefined });
    expect(command).toMatchObject({
      kind: "error",
      message: expect.stringContaining("serve-hostname, netexec, pause"),
    });
  });
});
