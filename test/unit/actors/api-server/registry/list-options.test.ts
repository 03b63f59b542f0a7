/**
 * Every combination of `limit`, `continue`, `resourceVersion` and `resourceVersionMatch`, compared with what kube-apiserver
 * 1.37.1 answered. There were five Secrets at `middle`, and the token is of a page of two of them; then one went and one came.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { listOptions, Query } from "../../../../../actors/api-server/core/rest/query.ts";
import type { KubernetesList } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";
import { afterAll } from "vitest";
import { readFixture } from "../machinery/oracle-fixture.ts";

interface Case {
  readonly limit?: string;
  readonly continue: "none" | "token" | "bad";
  readonly resourceVersion: "none" | "0" | "middle" | "newest" | "future" | "abc";
  readonly match?: string;
  readonly status: number;
  readonly items?: readonly string[];
  readonly at?: string;
  readonly more: boolean;
  readonly remaining?: number;
  readonly reason?: string;
  readonly message?: string;
}

const target = { group: "", version: "v1", resource: "secrets", namespace: "default" };
const revisions: Record<string, string | undefined> = { "0": "0", abc: "abc" };
const tokens: Record<string, string | undefined> = { bad: "bad" };
let server: TestServer;

const list = async (query: string): Promise<KubernetesList> =>
  (await server.request({ verb: "list", target, options: listOptions(new Query(query)) })) as KubernetesList;

beforeAll(async () => {
  // Nothing else is written meanwhile.
  server = await startServer({ initialObjectsAfterMs: 3_600_000 });
  const create = (name: string): Promise<unknown> =>
    server.request({ verb: "create", target, object: { metadata: { name } } });
  for (const name of ["a", "b", "c", "d", "e"]) await create(name);
  const page = await list("limit=2");
  revisions["middle"] = page.metadata.resourceVersion;
  tokens["token"] = page.metadata.continue;
  await server.request({ verb: "delete", target: { ...target, name: "c" } });
  await create("cc");
  const newest = (await list("")).metadata.resourceVersion;
  revisions["newest"] = newest;
  revisions["future"] = String(Number(newest) + 1_000);
});
afterAll(async () => {
  await server.stop();
  expect(server.crashes).toEqual([]);
});

function queryOf(one: Case): string {
  const query = new URLSearchParams();
  const given = {
    limit: one.limit,
    continue: tokens[one.continue],
    resourceVersion: revisions[one.resourceVersion],
    resourceVersionMatch: one.match,
  };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
  return query.toString();
}

/** With the names of the recorded revisions in place of ours. */
function named(message: string | undefined): string | undefined {
  return message
    ?.replaceAll(revisions["future"] ?? "", "<future>")
    .replaceAll(`current: ${revisions["newest"]}`, "current: <newest>");
}

async function answerTo(one: Case): Promise<Partial<Case>> {
  try {
    const { items, metadata } = await list(queryOf(one));
    return {
      status: 200,
      items: items.map((item) => item.metadata?.name ?? ""),
      at: metadata.resourceVersion === revisions["middle"] ? "middle" : "newest",
      more: metadata.continue !== undefined,
      ...(metadata.remainingItemCount === undefined ? {} : { remaining: metadata.remainingItemCount }),
    };
  } catch (error) {
    const { code = 0, reason = "", message, metadata } = statusOf(error) ?? {};
    return { status: code, reason, message: named(message) ?? "", more: metadata?.continue !== undefined };
  }
}

/** Where in a token the decoder stumbles is its own affair. */
function withoutDetail({ message, ...answer }: Partial<Case>): Partial<Case> {
  return {
    ...answer,
    ...(message === undefined ? {} : { message: message.replace(/(continue key is not valid).*/, "$1") }),
  };
}

describe("a list is answered as by kube-apiserver", () => {
  const cases = readFixture("list-options") as readonly Case[];
  it.concurrent.each(cases.map((one) => [nameOf(one), one] as const))("with %s", async (_name, one) => {
    const { limit: _limit, continue: _continue, resourceVersion: _version, match: _match, ...expected } = one;
    expect(withoutDetail(await answerTo(one))).toEqual(withoutDetail(expected));
  });
});

function nameOf(one: Case): string {
  return `limit ${one.limit ?? "none"}, continue ${one.continue}, version ${one.resourceVersion}, match ${one.match ?? "none"}`;
}
