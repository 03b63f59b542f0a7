/** Clients of etcd that others have made: Debian's `etcdctl`, which is 3.4, and npm's `etcd3`. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningEtcd } from "../fixtures/etcd-program.ts";
import { startEtcd } from "../fixtures/etcd-program.ts";
import { hasEtcd, RealEtcd } from "../fixtures/real-etcd.ts";
import { until } from "../fixtures/until.ts";

let directory: string;
let etcd: RunningEtcd;
/** Without "http://": etcdctl 3.4 sends the endpoints of what it asks of each member as they are, for the name of the host. */
let endpoints: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "inkube-etcd-clients-"));
  etcd = await startEtcd("--members", "3");
  endpoints = etcd.endpoints.map((url) => url.replace("http://", "")).join(",");
});
afterAll(async () => {
  expect(await etcd.stop()).toBe(0);
  rmSync(directory, { recursive: true, force: true });
});

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Etcdctl {
  readonly finished: Promise<Finished>;
  private readonly child: ReturnType<typeof spawn>;
  private stdout = "";
  private readonly seen: (() => void)[] = [];

  constructor(args: readonly string[], input: string = "") {
    const env = { ...process.env, ETCDCTL_API: "3" };
    const all = args.includes("--endpoints") ? args : [...args, "--endpoints", endpoints];
    const child = spawn("etcdctl", all, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.child = child;
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      for (const wake of this.seen.splice(0)) wake();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
    child.stdin.end(input);
    this.finished = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        for (const wake of this.seen.splice(0)) wake();
        resolve({ code, stdout: this.stdout, stderr });
      });
    });
  }

  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (this.child.exitCode !== null) throw new Error(`ended: ${JSON.stringify(await this.finished)}`);
      await new Promise<void>((resolve) => void this.seen.push(resolve));
    }
  }

  interrupt(): void {
    this.child.kill("SIGINT");
  }
}

/** What it prints; it must end well. */
async function etcdctl(args: string, input?: string): Promise<string> {
  const { code, stdout, stderr } = await new Etcdctl(args.split(" "), input).finished;
  expect(`${String(code)} ${stderr}`).toMatch(/^0 /);
  return stdout;
}

async function refused(args: string): Promise<string> {
  const { code, stderr } = await new Etcdctl(args.split(" ")).finished;
  expect(code).not.toBe(0);
  return stderr;
}

describe("etcdctl", () => {
  it("puts, gets and deletes", async () => {
    expect(await etcdctl("put a 1")).toBe("OK\n");
    expect(await etcdctl("put a 2 --prev-kv")).toBe("OK\na\n1\n");
    expect(await etcdctl("get a")).toBe("a\n2\n");
    expect(await etcdctl("put b 1")).toBe("OK\n");
    expect(await etcdctl("get --prefix --order=DESCEND --sort-by=KEY --print-value-only a")).toBe("2\n");
    expect(await etcdctl("get --from-key --keys-only a")).toBe("a\n\nb\n\n");
    const { header, kvs } = JSON.parse(await etcdctl("get a -w json")) as {
      readonly header: { readonly revision: number };
      readonly kvs: readonly { readonly mod_revision: number; readonly create_revision: number }[];
    };
    expect(header.revision).toBeGreaterThan(kvs[0]!.mod_revision);
    expect(await etcdctl(`get a --rev=${kvs[0]!.create_revision}`)).toBe("a\n1\n");
    expect(await etcdctl("del --prefix --prev-kv a")).toBe("1\na\n2\n");
    expect(await refused("get a --rev=1000000")).toContain("required revision is a future revision");
  });

  it("runs a transaction", async () => {
    await etcdctl("put t 1");
    const answer = await etcdctl("txn", 'mod("t") > "0"\nvalue("t") = "1"\n\nput t 2\nget t\n\nget none\n\n');
    expect(answer).toBe("SUCCESS\n\nOK\n\nt\n2\n");
    expect(await etcdctl("txn", 'version("t") = "77"\n\nput t 3\n\nget t\n\n')).toBe("FAILURE\n\nt\n2\n");
  });

  it("watches from the past on, and what is new", async () => {
    await etcdctl("put w/1 old");
    const { header } = JSON.parse(await etcdctl("get w/1 -w json")) as {
      readonly header: { readonly revision: number };
    };
    const watch = new Etcdctl(["watch", "--prefix", "w/", `--rev=${header.revision}`, "--prev-kv"]);
    await watch.printed(/PUT\n\n?w\/1\nold\n/);
    await etcdctl("del w/1");
    await watch.printed(/DELETE\nw\/1\nold\nw\/1\n/);
    watch.interrupt();
    await watch.finished;
  });

  it("grants, renews and revokes leases, and their keys go with them", async () => {
    const id = /lease (\w+) granted with TTL\(60s\)/.exec(await etcdctl("lease grant 60"))![1]!;
    await etcdctl(`put l/1 v --lease=${id}`);
    expect(await etcdctl(`lease timetolive ${id} --keys`)).toMatch(/remaining\((59|60)s\), attached keys\(\[l\/1\]\)/);
    expect(await etcdctl("lease list")).toContain(id);
    expect(await etcdctl(`lease keep-alive --once ${id}`)).toContain("keepalived with TTL(60)");
    expect(await etcdctl(`lease revoke ${id}`)).toContain("revoked");
    expect(await etcdctl("get l/1")).toBe("");
    expect(await etcdctl(`lease timetolive ${id}`)).toContain("already expired");
  });

  it("locks one after the other, and elects", async () => {
    const holder = new Etcdctl(["lock", "lock-1"]);
    await holder.printed(/lock-1\/\w+/);
    const next = new Etcdctl(["lock", "lock-1", "echo", "mine"]);
    await until("queued", async () =>
      (await etcdctl("get --prefix --keys-only lock-1/")).trim().split("\n\n").length === 2 ? true : undefined,
    );
    holder.interrupt();
    await holder.finished;
    expect((await next.finished).stdout).toBe("mine\n");
    const leader = new Etcdctl(["elect", "chair", "me"]);
    await leader.printed(/chair\/\w+\nme\n/);
    const observer = new Etcdctl(["elect", "-l", "chair"]);
    await observer.printed(/chair\/\w+\nme\n/);
    observer.interrupt();
    leader.interrupt();
    await Promise.all([leader.finished, observer.finished]);
  });

  it("asks the members for their state, and moves the leader", async () => {
    expect(await etcdctl("member list")).toMatch(
      /^(\w+, started, etcd-\d, .*, http:\/\/127\.0\.0\.1:\d+, false\n){3}$/,
    );
    const health = await new Etcdctl(["endpoint", "health"]).finished;
    expect(health.stderr.match(/is healthy/g)).toHaveLength(3);
    // Endpoint, id, version, size, whether it leads.
    const told = (await etcdctl("endpoint status")).trim().split("\n");
    const status = told.map((line) => line.split(", ")).map(([endpoint, id, , , leads]) => ({ endpoint, id, leads }));
    const leader = status.find(({ leads }) => leads === "true")!;
    const heir = status.find(({ leads }) => leads === "false")!;
    const moved = await etcdctl(`move-leader ${heir.id!} --endpoints ${leader.endpoint!}`);
    expect(moved).toContain(`Leadership transferred from ${leader.id!} to ${heir.id!}`);
  });

  it("compares hashes, compacts and defragments", async () => {
    await etcdctl("put c 1");
    await etcdctl("put c 2");
    const hashes = new Set(
      (await etcdctl("endpoint hashkv"))
        .trim()
        .split("\n")
        .map((line) => line.split(", ")[1]),
    );
    expect(hashes.size).toBe(1);
    const { header } = JSON.parse(await etcdctl("get c -w json")) as { readonly header: { readonly revision: number } };
    expect(await etcdctl(`compact ${header.revision}`)).toBe(`compacted revision ${header.revision}\n`);
    expect(await refused("get c --rev=2")).toContain("required revision has been compacted");
    expect(await etcdctl("defrag")).toContain("Finished defragmenting");
    expect(await etcdctl("alarm list")).toBe("");
  });

  it("takes a snapshot away that is a database of etcd", async () => {
    await etcdctl("put s 1");
    const file = join(directory, "snapshot.db");
    const [endpoint] = endpoints.split(",");
    expect(await etcdctl(`snapshot save ${file} --endpoints ${endpoint!}`)).toContain("Snapshot saved");
    const status = JSON.parse(await etcdctl(`snapshot status ${file} -w json`)) as {
      readonly revision: number;
      readonly totalKey: number;
      readonly totalSize: number;
    };
    const { header } = JSON.parse(await etcdctl("get s -w json")) as { readonly header: { readonly revision: number } };
    expect(status.revision).toBe(header.revision);
    expect(status.totalKey).toBeGreaterThan(3);
    expect(status.totalSize % 4_096).toBe(0);
  });

  it.skipIf(!hasEtcd)("gives a snapshot that a real etcd goes on from", async () => {
    await etcdctl("put moved/a 1");
    await etcdctl("put moved/a 2");
    const [, lease = ""] = /lease (\S+) granted/.exec(await etcdctl("lease grant 600")) ?? [];
    await etcdctl(`put moved/b leased --lease ${lease}`);
    const snapshot = join(directory, "moved.db");
    await etcdctl(`snapshot save ${snapshot} --endpoints ${endpoints.split(",")[0]!}`);
    const here = await etcdctl("get --prefix moved/ -w fields");
    const real = await RealEtcd.start({ snapshot });
    try {
      const at = `--endpoints ${real.endpoint.replace("http://", "")}`;
      const lines = (text: string): readonly string[] =>
        text.split("\n").filter((line) => !/"(Cluster|Member)ID"|RaftTerm|"Revision"/.test(line));
      expect(lines(await etcdctl(`get --prefix moved/ -w fields ${at}`))).toEqual(lines(here));
      expect(await etcdctl(`lease timetolive ${lease} --keys ${at}`)).toContain("moved/b");
      expect(await etcdctl(`put moved/c 3 ${at}`)).toContain("OK");
    } finally {
      await real.stop();
    }
  });
});

describe("npm's etcd3", () => {
  /** It tries everything again that may have been carried out: in a test of what is carried out once it must not. */
  const once = { execute: (work: (context: object) => unknown) => work({ signal: new AbortController().signal }) };
  let client: Etcd3;
  beforeAll(() => {
    client = new Etcd3({ hosts: [...etcd.endpoints], faultHandling: { global: once as never } });
  });
  afterAll(() => client.close());

  it("reads what it writes, and decides by it", async () => {
    await client.put("e/1").value("one");
    expect(await client.get("e/1")).toBe("one");
    expect(await client.getAll().prefix("e/").strings()).toEqual({ "e/1": "one" });
    const answer = await client.if("e/1", "Value", "==", "one").then(client.put("e/1").value("two")).commit();
    expect(answer.succeeded).toBe(true);
    await client.delete().prefix("e/");
    expect(await client.get("e/1")).toBeNull();
  });

  it("watches", async () => {
    const watcher = await client.watch().prefix("ew/").create();
    const seen = new Promise<string>((resolve) => void watcher.once("put", ({ value }) => resolve(value.toString())));
    await client.put("ew/1").value("seen");
    expect(await seen).toBe("seen");
    await watcher.cancel();
  });

  it("holds a lease, a lock and an election", async () => {
    const lease = client.lease(10);
    await lease.put("el/1").value("1");
    expect(await client.get("el/1").exec()).toMatchObject({ kvs: [{ lease: await lease.grant() }] });
    await lease.revoke();
    expect(await client.get("el/1")).toBeNull();
    const order: string[] = [];
    const lock = await client.lock("elock").acquire();
    await expect(client.lock("elock").acquire()).rejects.toThrow("Failed to acquire a lock");
    await lock.release();
    await client.lock("elock").do(() => void order.push("locked"));
    expect(order).toEqual(["locked"]);
    const campaign = client.election("echair").campaign("me");
    await new Promise<void>((resolve) => void campaign.once("elected", () => resolve()));
    expect(await client.election("echair").leader()).toBe("me");
    await campaign.resign();
  });
});
