/** The record of a cluster on the disk: it outlives a flood and the program, tells what objects were, and has no secrets. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRecord } from "../../../actors/cluster/open-trace.ts";
import type { Cluster, KubernetesObject } from "../../../actors/cluster/index.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import type { ObjectChange } from "../../../actors/trace-collector/core/record.ts";
import { inkube } from "../../fixtures/built.ts";
import { Program } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const FLOOD = 20_000;
const IN_FLIGHT = 64;
const LISTS = 100;
const CANARY = "canary-3f9d1c7a5b";

let dataDir = "";
beforeAll(() => void (dataDir = mkdtempSync(join(tmpdir(), "inkube-test-record-"))));
afterAll(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 }));

/** So many at a time, one after the other each. */
async function each(count: number, inFlight: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** As it is stored: what a list adds to its items is not told. */
function stored({ metadata, ...rest }: KubernetesObject): unknown {
  const { resourceVersion: _, ...kept } = metadata ?? {};
  const { apiVersion: _version, kind: _kind, ...content } = rest as Record<string, unknown>;
  return { metadata: kept, ...content };
}

function stateAt(changes: readonly ObjectChange[], resource: string, revision: number): readonly unknown[] {
  const state = new Map<string, ObjectChange>();
  for (const change of changes) {
    if (change.revision <= revision && change.subject.startsWith(`${resource}/`)) state.set(change.subject, change);
  }
  return [...state]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([, { object }]) => (object === undefined ? [] : [stored(object)]));
}

describe("the record of a cluster", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated", dataDir });
  });
  afterAll(() => cluster?.stop());

  it("equals at each revision the list that was taken there, while everything changes", async () => {
    const { client } = cluster;
    const lists: { readonly resource: string; readonly revision: number; readonly items: readonly unknown[] }[] = [];
    const take = async (resource: Resource<KubernetesObject>, name: string): Promise<void> => {
      const { metadata, items } = await client.list(resource);
      lists.push({ resource: name, revision: Number(metadata?.resourceVersion), items: items.map(stored) });
    };
    await each(2 * LISTS, 2, async (index) => {
      const metadata = { name: `turn-${index % 40}`, namespace: "default" };
      const containers = [{ name: "main", image: "nginx" }];
      const isGone = (error: unknown): void => {
        if (!inkube.hasReason(error, "NotFound") && !inkube.hasReason(error, "AlreadyExists")) throw error;
      };
      if (index % 3 === 0) await client.delete(inkube.pods, metadata.name, "default").catch(isGone);
      else if (index % 3 === 1) await client.create(inkube.pods, { metadata, spec: { containers } }).catch(isGone);
      else await client.create(inkube.configMaps, { metadata, data: { index: String(index) } }).catch(isGone);
      if (index % 2 === 0) await take(inkube.pods, "pods");
      else await take(inkube.configMaps, "configmaps");
    });
    expect(lists).toHaveLength(2 * LISTS);
    expect(new Set(lists.map(({ revision }) => revision)).size).toBeGreaterThan(LISTS / 2);
    // Whoever asks has all that was written before.
    await cluster.trace.events({ kind: "start" });
    const { record, warnings } = await openRecord(dataDir);
    expect(warnings).toEqual([]);
    for (const { resource, revision, items } of lists) {
      expect(stateAt(record.changes, resource, revision), `${resource} at ${revision}`).toEqual(items);
    }
  });

  it("has neither the data of a Secret nor a token anywhere", async () => {
    const { client } = cluster;
    const metadata = { name: CANARY.slice(0, 6), namespace: "default" };
    const secret = { metadata, data: { password: Buffer.from(CANARY).toString("base64") } };
    await client.create(inkube.secrets, secret);
    await cluster.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "applied" },
      stringData: { key: CANARY },
    });
    await fetchJson(cluster, "/api/v1/namespaces/default/secrets/nothing");
    const asked = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const { status } = (await fetchJson(cluster, path, asked)) as { readonly status: { readonly token: string } };
    await cluster.trace.events({ kind: "start" });
    const { record } = await openRecord(dataDir);
    const told = JSON.stringify([...record.inOrder(), ...record.changes]);
    const [, payload = "", signature = ""] = status.token.split(".");
    const secrets = [CANARY, Buffer.from(CANARY).toString("base64"), cluster.token, payload, signature];
    for (const text of [told, ...filesOf(dataDir)])
      for (const found of secrets) expect(text.includes(found)).toBe(false);
    expect(told).toContain("secrets/default/applied");
    expect(told).toContain("hmac-sha256:");
  });

  it("is had whole through the API, as a file that opens again", async () => {
    const lines = await fetchText(cluster, "/debug/trace/record");
    const file = join(dataDir, "record.ndjson");
    writeFileSync(file, lines);
    const { record } = await openRecord(file);
    const names = new Set(record.changes.map(({ subject }) => subject));
    for (const subject of ["nodes/worker-0", "secrets/default/applied"]) expect(names.has(subject), subject).toBe(true);
    const trace = await inkube.openTrace(file);
    const known = await cluster.trace.why("pods/default/turn-1");
    expect((await trace.why("pods/default/turn-1")).sentence).toBe(known.sentence);
    const answer = await fetchText(cluster, "/debug/trace/why?ref=pods%2Fdefault%2Fturn-1");
    expect(JSON.parse(answer)).toEqual({ ask: "why", explanation: known });
    const missing = JSON.parse(await fetchText(cluster, "/debug/trace/why?ref=pod%2Fnobody")) as unknown;
    expect(missing).toMatchObject({ kind: "Status", code: 404, reason: "NotFound" });
    expect(JSON.parse(await fetchText(cluster, "/debug/trace/why"))).toMatchObject({
      code: 400,
      message: "why needs ref",
    });
  });

  it(`answers for the first of ${FLOOD} objects, and loses nothing of what happened`, async () => {
    const { client } = cluster;
    await each(FLOOD, IN_FLIGHT, (index) =>
      client.create(inkube.configMaps, { metadata: { name: `flood-${index}`, namespace: "default" }, data: {} }),
    );
    const { sentence } = await cluster.trace.why("configmap/flood-0");
    expect(sentence).toMatch(/^flood-0 is there: kubernetes-admin created it\.$/);
    const writes = await cluster.trace.events({ kind: "write", object: "configmaps/default/flood-" });
    expect(writes).toHaveLength(FLOOD);
    const { record } = await openRecord(dataDir);
    // Of messages the oldest have made room.
    for (const { lost, after } of record.gaps) expect([lost > 0, after]).toEqual([true, 0]);
    const sizes = filesOf(dataDir).map(({ length }) => length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(80 * 1_048_576);
  }, 120_000);
});

describe("the record of a program that is killed", () => {
  it("is read while it runs, after its end, and goes on in the next", async () => {
    const directory = join(dataDir, "killed");
    const options = { masters: 1, workers: 1, pods: "simulated", dataDir: directory } as const;
    const program = Program.evaluate(`
      const { Cluster, pods } = await import("inkube");
      const cluster = await Cluster.start(${JSON.stringify(options)});
      for (let index = 0; ; index++) {
        const metadata = { name: "pod-" + index, namespace: "default" };
        await cluster.client.create(pods, { metadata, spec: { containers: [{ name: "main", image: "nginx" }] } });
        if (index === 20) process.stdout.write("made\\n");
      }
    `);
    try {
      await program.printed(/^made$/m);
      await until("the record tells of the pod", async () => {
        const trace = await inkube.openTrace(directory).catch(() => undefined);
        return (
          trace?.why("pod/pod-20").then(
            () => true,
            () => false,
          ) ?? false
        );
      });
    } finally {
      program.kill("SIGKILL");
      await program.exited;
    }
    const trace = await inkube.openTrace(directory);
    expect(trace.warnings).toEqual([]);
    expect((await trace.why("pod/pod-20")).sentence).toMatch(
      /^pod-20 is (?:there: kubernetes-admin created it|on worker-0 because )/,
    );
    const before = await trace.events();
    const next = await inkube.Cluster.start(options);
    try {
      expect((await next.trace.why("pod/pod-20")).sentence).toMatch(/^pod-20 /);
      const all = await next.trace.events();
      expect(all.length).toBeGreaterThan(before.length);
      expect(new Set(all.map(({ actor, sequence }) => `${actor}#${sequence}`)).size).toBe(all.length);
    } finally {
      await next.stop();
    }
  });
});

async function fetchJson(cluster: Cluster, path: string, body?: object): Promise<unknown> {
  return JSON.parse(await fetchText(cluster, path, body)) as unknown;
}

async function fetchText(cluster: Cluster, path: string, body?: object): Promise<string> {
  const agent = new Agent({ ca: cluster.authority });
  const method = body === undefined ? "GET" : "POST";
  const headers = { authorization: `Bearer ${cluster.token}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request(`${cluster.server}${path}`, { agent, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(text));
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function filesOf(directory: string): readonly string[] {
  const trace = join(directory, "actors", "trace-collector", "trace");
  return readdirSync(trace).map((name) => readFileSync(join(trace, name), "latin1"));
}
