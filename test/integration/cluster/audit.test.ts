/** The audit log, held against what kube-apiserver writes by the same policy of the same requests. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "inkube";
import type { AuditedExchange } from "../../conformance/audit-case.mjs";
import { askAll, comparable, POLICY } from "../../conformance/audit-case.mjs";
import { Program } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const recorded = JSON.parse(
  readFileSync(new URL("../../conformance/recorded/audit.json", import.meta.url), "utf8"),
) as readonly AuditedExchange[];

type Event = Readonly<Record<string, unknown>> & { readonly user?: { readonly username?: string } };

const directory = mkdtempSync(join(tmpdir(), "inkube-test-audit-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const linesOf = (path: string): readonly string[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
const eventsOf = (path: string): readonly Event[] => linesOf(path).map((line) => JSON.parse(line) as Event);

describe("the audit log", () => {
  const path = join(directory, "deep", "audit.log");
  let exchanges: readonly AuditedExchange[];
  beforeAll(async () => {
    await using cluster = await Cluster.start({
      masters: 1,
      workers: 0,
      controllers: false,
      audit: { policy: POLICY, path },
    });
    const ids = await askAll(cluster.server, cluster.token, cluster.authority);
    await cluster.stop();
    exchanges = comparable(linesOf(path), ids);
  }, 60_000);

  it.each(recorded.map((exchange, index) => [index, exchange.request, exchange.events] as const))(
    "%i: of %s is what kube-apiserver writes",
    (index, request, expected) => {
      expect(exchanges[index]).toEqual({ request, events: expected.map(asHere) });
    },
  );

  it("is for its owner alone to read", () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

/** Before its defaults, and before `stringData` has become `data`. */
const SECRET = { apiVersion: "v1", kind: "Secret", metadata: { name: "secret" }, stringData: { password: "hunter2" } };

/** Users are others here; bodies are told as they were sent; some answers are others, as `accepted.yaml` says of them. */
function asHere(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const user = { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
  const { requestObject } = event as { readonly requestObject?: { readonly kind?: string } };
  return {
    ...event,
    ...((event as Event).user?.username === "admin" ? { user } : {}),
    ...(requestObject?.kind === "Secret" ? { requestObject: SECRET } : {}),
  };
}

it("tells of the cluster's own actors, and never of a token", async () => {
  const path = join(directory, "own.log");
  const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "RequestResponse" }] };
  await using cluster = await Cluster.start({ masters: 1, workers: 1, audit: { policy, path } });
  await cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [{ name: "a", image: "pause" }] },
  });
  await cluster.waitFor("pod/a", "Ready");
  await cluster.stop();
  const events = eventsOf(path);
  const binding = events.find(
    ({ objectRef }) => (objectRef as { subresource?: string } | undefined)?.subresource === "binding",
  );
  expect(binding).toMatchObject({
    level: "RequestResponse",
    verb: "create",
    user: { username: "system:kube-scheduler" },
    userAgent: "scheduler-0",
  });
  const bound = events.find(
    ({ stage, objectRef }) =>
      stage === "ResponseComplete" && (objectRef as { subresource?: string } | undefined)?.subresource === "binding",
  );
  expect(bound).toMatchObject({ responseStatus: { code: 201 }, requestObject: { target: { name: "worker-0" } } });
  const tokens = events.filter(
    ({ stage, objectRef }) =>
      stage === "ResponseComplete" && (objectRef as { subresource?: string } | undefined)?.subresource === "token",
  );
  expect(tokens.length).toBeGreaterThan(0);
  for (const { responseObject } of tokens) expect(responseObject).toHaveProperty("status.expirationTimestamp");
  expect(readFileSync(path, "utf8")).not.toMatch(/eyJ[\w-]{20}/);
  const watches = events.filter(({ verb, stage }) => verb === "watch" && stage === "ResponseStarted");
  expect(watches.length).toBeGreaterThan(10);
}, 60_000);

it("that can't be written any more is lost and counted, and no request with it", async () => {
  const path = "/dev/full";
  const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };
  await using cluster = await Cluster.start({ masters: 1, workers: 0, controllers: false, audit: { policy, path } });
  await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "written" } });
  const counted = await until("lost events are counted", async () => {
    const text = await cluster.metrics();
    return /^apiserver_audit_error_total\{.*plugin="log"\} ([1-9]\d*)$/m.exec(text)?.[1];
  });
  expect(Number(counted)).toBeGreaterThan(0);
}, 60_000);

it("goes to standard output line by line, where its path is -", async () => {
  const program = Program.evaluate(`
    const { Cluster } = await import("inkube");
    const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };
    const cluster = await Cluster.start({ masters: 3, workers: 0, controllers: false, audit: { policy, path: "-" } });
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "written" } });
    await cluster.stop();
  `);
  expect(await program.exited, program.stderr).toBe(0);
  const lines = program.stdout.split("\n").filter((line) => line !== "");
  const events = lines.map((line) => JSON.parse(line) as Event);
  expect(events.every(({ kind }) => kind === "Event")).toBe(true);
  expect(events.map(({ objectRef }) => (objectRef as { name?: string } | undefined)?.name)).toContain("written");
}, 60_000);

describe("an audit log that is no use", () => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  it.each([
    ["{ apiVersion: audit.k8s.io/v1, kind: Policy }", "audit.policy: loaded illegal policy with 0 rules"],
    [
      "{ apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{ level: Some }] }",
      'audit.policy: rules[0].level: Unsupported value: "Some"',
    ],
    ["{ apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{ levle: None }] }", 'unknown field "rules[0].levle"'],
    [
      "{ apiVersion: audit.k8s.io/v1beta1, kind: Policy }",
      'no kind "Policy" is registered for version "audit.k8s.io/v1beta1"',
    ],
    ["a: [", "audit.policy: "],
  ])("is refused with its place: %s", async (policy, message) => {
    await expect(Cluster.start({ audit: { policy, path: join(directory, "x.log") } })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(message) as string,
    });
  });

  it("is refused where its file can't be written", async () => {
    const path = join(file("plain", ""), "audit.log");
    await expect(Cluster.start({ audit: { policy: POLICY, path } })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
