/** Masters in processes of their own, on a real etcd, with a node in another one: two of three die in turn. Left out where there is no etcd. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kubectl } from "../fixtures/kubectl.ts";
import { Program } from "../fixtures/program.ts";
import { freePort, hasEtcd, RealEtcd } from "../fixtures/real-etcd.ts";
import { until } from "../fixtures/until.ts";

const NAMES = ["m1", "m2", "m3"] as const;
type Name = (typeof NAMES)[number];

describe.skipIf(!hasEtcd)("masters of several processes", () => {
  const directory = mkdtempSync(join(tmpdir(), "inkube-masters-"));
  const running = new Map<string, Program>();
  const clients = new Map<Name, Kubectl>();
  let etcd: RealEtcd;
  let port: number;

  const hostOf = (name: Name): string => `127.0.71.${NAMES.indexOf(name) + 1}`;
  const start = async (name: Name): Promise<void> => {
    const own = ["--name", name, "--host", hostOf(name), "--port", String(port), "--kubeconfig", `${name}.yaml`];
    const shared = ["--etcd-servers", etcd.endpoint, "--keys", "keys.json", "--data-dir", `data-${name}`];
    const program = Program.inkube(["master", ...own, ...shared], directory);
    running.set(name, program);
    await program.printed(new RegExp(`master ${name} serves`), 90_000);
    clients.set(name, new Kubectl(readFileSync(join(directory, `${name}.yaml`), "utf8")));
  };
  const at = (name: Name): Kubectl => clients.get(name)!;
  const die = async (name: Name): Promise<void> => {
    running.get(name)!.kill("SIGKILL");
    await running.get(name)!.exited;
    running.delete(name);
  };
  const holder = async (name: Name): Promise<string> =>
    (await at(name).run("get lease kube-controller-manager -n kube-system -o jsonpath={.spec.holderIdentity}")).split(
      "_",
    )[0]!;
  const rolledOut = (name: Name): Promise<string> => at(name).run("rollout status deployment/web --timeout=35s");

  beforeAll(async () => {
    [etcd, port] = [await RealEtcd.start(), await freePort()];
    await Promise.all(NAMES.map(start));
  }, 120_000);
  afterAll(async () => {
    for (const program of running.values()) program.kill("SIGTERM");
    await Promise.all([...running.values()].map(({ exited }) => exited));
    for (const client of clients.values()) client.close();
    await etcd?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it("are one control plane: they elect one leader, and each answers for what another was told", async () => {
    const command = (await at("m1").run("config view --minify -o jsonpath={.clusters[0].cluster.server}")).trim();
    expect(command).toBe(`https://${hostOf("m1")}:${port}`);
    const token = Program.inkube(["token", "create", "--print-join-command", "--kubeconfig", "m1.yaml"], directory);
    expect(await token.exited).toBe(0);
    const [join_ = "", first = "", ...rest] = token.stdout.trim().split(" ").slice(1);
    const others = NAMES.slice(1).map((name) => `https://${hostOf(name)}:${port}`);
    const node = Program.inkube([join_, first, ...others, ...rest, "--node-name", "n"], directory);
    running.set("node", node);
    await node.printed(/node n is Ready/, 90_000);
    await at("m2").run("create deployment web --image=nginx --replicas=2");
    await rolledOut("m3");
    expect(new Set(await Promise.all(NAMES.map(holder))).size).toBe(1);
    const places = await until("three endpoints", async () => {
      const found = await at("m1").run("get endpoints kubernetes -o jsonpath={.subsets[*].addresses[*].ip}");
      return found.split(" ").length === 3 ? found : undefined;
    });
    expect(places).toBe(NAMES.map(hostOf).join(" "));
  }, 180_000);

  it("go on when the leader dies, and when the next one does that has come back before", async () => {
    for (const round of [1, 2]) {
      const [left] = running.keys();
      const leader = (await holder(left as Name)) as Name;
      await die(leader);
      const other = NAMES.find((name) => running.has(name))!;
      await at(other).run(`set env deployment/web ROUND=${round}`);
      // Another leads when the Lease of the dead one is over.
      await rolledOut(other);
      expect(await holder(other)).not.toBe(leader);
      expect(await at(other).run("get node n --no-headers")).toMatch(/ Ready /);
      await start(leader);
    }
  }, 240_000);
});
