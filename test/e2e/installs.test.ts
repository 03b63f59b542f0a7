/** Installs of operators as their users type them: applied by kubectl and by the server, again, compared, and used. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { inkube } from "../fixtures/built.ts";
import { INSTALLS } from "../fixtures/installs/installs.ts";
import { Kubectl } from "../fixtures/kubectl.ts";

let cluster: Cluster;
let kubectl: Kubectl;

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 0, controllers: false });
  kubectl = new Kubectl(cluster.kubeconfig);
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

/** Each document is JSON, the file is YAML: kubectl reads one that begins with a brace as a stream of JSON, without rules between. */
function write(name: string, manifests: readonly object[]): string {
  const file = join(kubectl.directory, `${name}.yaml`);
  writeFileSync(file, manifests.map((manifest) => `---\n${JSON.stringify(manifest)}\n`).join(""));
  return file;
}

/** What has become of each object, and the objects of which kubectl says something else. */
function outcomes(output: string, expected: string): readonly string[] {
  const lines = output.trim().split("\n");
  return lines.filter((line) => !line.endsWith(` ${expected}`)).map((line) => line.split(" ")[0] ?? "");
}

describe.each(INSTALLS)("the install $name", (install) => {
  const { name, manifests, objects, refused, large = false, configured = [], conflicts = [] } = install;

  it("goes in, and is the same the second time", { timeout: 60_000 }, async () => {
    const file = write(name, manifests);
    const how = large ? "apply --server-side" : "apply";
    const versionsOf = (): Promise<string> =>
      kubectl.run(`get -f ${file} -o jsonpath={.items[*].metadata.resourceVersion}`);
    const made = await kubectl.run(`${how} -f ${file}`);
    expect(made.trim().split("\n")).toHaveLength(manifests.length);
    expect(outcomes(made, large ? "serverside-applied" : "created")).toEqual([]);
    const versions = await versionsOf();
    const again = outcomes(await kubectl.run(`${how} -f ${file}`), large ? "serverside-applied" : "unchanged");
    expect(again).toEqual(large ? [] : configured);
    expect(await versionsOf()).toBe(versions);
    expect(await kubectl.run(`diff ${large ? "--server-side " : ""}-f ${file}`)).toBe("");
  });

  it.skipIf(large)(
    "can be left to the server afterwards, but for what kubectl has set in part",
    { timeout: 60_000 },
    async () => {
      const file = write(name, manifests);
      const { stderr } = await kubectl.try(`apply --server-side -f ${file}`);
      const told = [...stderr.matchAll(/conflict with "kubectl-client-side-apply" using apps\/v1: (.*)/g)];
      expect(told.map(([, field]) => field)).toEqual(conflicts);
      const forced = await kubectl.run(`apply --server-side --force-conflicts -f ${file}`);
      expect(outcomes(forced, "serverside-applied")).toEqual([]);
      expect(await kubectl.run(`diff --server-side -f ${file}`)).toBe("");
    },
  );

  it("has kinds whose objects are made, given their defaults and shown", { timeout: 60_000 }, async () => {
    for (const { object, shows, gets } of objects) {
      const file = write(`${name}-object`, [object]);
      expect(outcomes(await kubectl.run(`apply -f ${file}`), "created")).toEqual([]);
      const same = outcomes(await kubectl.run(`apply -f ${file}`), "unchanged");
      expect(configured).toEqual(expect.arrayContaining([...same]));
      expect(await kubectl.run(`get -f ${file}`)).toMatch(shows);
      if (gets !== undefined) expect(JSON.parse(await kubectl.run(`get -f ${file} -o json`))).toMatchObject(gets);
    }
  });

  it("has kinds whose bad objects are refused, and why", { timeout: 60_000 }, async () => {
    for (const { object, because } of refused) {
      const { code, stderr } = await kubectl.try(`apply -f ${write(`${name}-bad`, [object])}`);
      expect(stderr).toMatch(because);
      expect(code).toBe(1);
    }
  });
});

it(
  "holds schemas of several hundred kilobytes, which kubectl can't apply on its own side",
  { timeout: 60_000 },
  async () => {
    const large = INSTALLS.flatMap(({ manifests }) => manifests).filter((one) => JSON.stringify(one).length > 500_000);
    expect(large.map(({ metadata }) => metadata.name)).toContain("applicationsets.delivery.example.com");
    const { stderr } = await kubectl.try(`apply --dry-run=server -f ${write("large", large)}`);
    expect(stderr).toContain("metadata.annotations: Too long: may not be more than 262144 bytes");
  },
);
