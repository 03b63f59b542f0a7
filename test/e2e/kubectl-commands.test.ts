/**
 * Every command of kubectl that needs no shell in a pod, and the table of them, `test/conformance/kubectl.md`. With
 * `WRITE_KUBECTL_TABLE=1` the table is written; else it must be what the commands of this run come to.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { makeAuthority, makeCertificate } from "../../actors/cluster/io/certificates.ts";
import { SECTIONS } from "../conformance/kubectl-commands.ts";
import type { Row } from "../conformance/kubectl-row.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { until } from "../fixtures/until.ts";

const TABLE = fileURLToPath(new URL("../conformance/kubectl.md", import.meta.url));

let cluster: Cluster;
let kubectl: Kubectl;
const results = new Map<Row, string>();

beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
  kubectl = new Kubectl(cluster.kubeconfig, {
    KUBE_EDITOR: "sed -i -e s/green/blue/",
    KUBECTL_APPLYSET: "true",
  });
  const file = (name: string, text: string): void => writeFileSync(join(kubectl.directory, name), text);
  file("columns.txt", "POD\nmetadata.name\n");
  file("template.txt", "name is {{.metadata.name}}");
  file("path.txt", "{.metadata.name}");
  mkdirSync(join(kubectl.directory, "base"));
  file("base/kustomization.yaml", "namePrefix: base-\nresources: [settings.yaml]\n");
  const { certificate, key } = makeCertificate(makeAuthority("ca", Date.now()), { commonName: "x" }, [], Date.now());
  file("tls.crt", certificate);
  file("tls.key", key);
  file("vars.env", "A=1\nB=2\n");
  const configMap = (name: string): string =>
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "demo" }, data: { a: "b" } });
  file("raw.json", configMap("raw"));
  file("set.yaml", configMap("in-set"));
  mkdirSync(join(kubectl.directory, "folder"));
  file("folder/inner.yaml", configMap("inner"));
  file("patch.yaml", "spec: {minReadySeconds: 0, replicas: 2}\n");
  file("base/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n");
});
afterAll(async () => {
  kubectl?.close();
  await cluster?.stop();
});

describe.each(SECTIONS)("$name", ({ rows }) => {
  it.each(rows.map((row) => ({ row, title: row.command })))("kubectl $title", async ({ row }) => {
    if (row.meanwhile !== undefined || row.serves !== undefined) return standing(row);
    const { code, stdout, stderr } = await kubectl.try(row.command, row.input);
    const isSo = (prints: RegExp, expected = 0): boolean =>
      code === expected && [stdout, stderr].some((text) => prints.test(text));
    const { differs } = row;
    const result = isSo(row.prints, row.code)
      ? "ok"
      : differs !== undefined && isSo(differs.prints, differs.code)
        ? differs.what
        : "broken";
    results.set(row, result);
    expect(result, `exit code ${String(code)}\n${stderr}${stdout}`).not.toBe("broken");
  });
});

/** One that goes on until it is stopped. */
async function standing(row: Row): Promise<void> {
  const running = kubectl.follow(row.command);
  let count = 0;
  try {
    const [, address] = await until(`kubectl ${row.command}`, async () => {
      if (row.meanwhile !== undefined) await kubectl.run(row.meanwhile.replace("{n}", String(++count)));
      return row.prints.exec(running.output()) ?? undefined;
    });
    if (row.serves !== undefined) expect((await fetch(`http://${address}${row.serves}`)).status).toBe(200);
    results.set(row, "ok");
  } finally {
    running.stop();
  }
}

it("comes to the table that is kept", () => {
  const table = tableOf();
  if (process.env["WRITE_KUBECTL_TABLE"] === "1") writeFileSync(TABLE, table);
  expect(readFileSync(TABLE, "utf8")).toBe(table);
});

function tableOf(): string {
  const lines = ["# kubectl against inkube", ""];
  lines.push(
    "Written by `test/e2e/kubectl-commands.test.ts`, which runs these commands in this order with kubectl 1.32 and newer,",
  );
  lines.push(
    "and fails when one that is ok ceases to be so, or becomes it. `exec`, `attach`, `cp` and `port-forward` need real pods: see `reaching.test.ts`.",
  );
  for (const { name, rows } of SECTIONS) {
    const cells = rows.map((row) => {
      const code = row.code === undefined ? "" : ` (exit code ${row.code}, as it should be)`;
      return [`\`kubectl ${row.command.replaceAll("|", "\\|")}\``, `${results.get(row) ?? "not run"}${code}`];
    });
    lines.push("", `## ${name}`, "", ...aligned([["command", "result"], ...cells]));
  }
  return `${lines.join("\n")}\n`;
}

/** As the formatter has tables: columns of one width, with a rule under the head. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const [head = "", ...others] = rows.map(
    (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`,
  );
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...others];
}
