/**
 * Custom resources whose versions a webhook converts, answered as kube-apiserver 1.37 did: `conversion/verbs.yaml` is what was asked,
 * `conversion/verbs.json` what it answered. Both sides call a real webhook over HTTPS.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpsDoor } from "../../actors/api-server/io/door.ts";
import { tokenKeys } from "../../actors/api-server/io/token-keys.ts";
import { httpsClient } from "../../actors/api-server/io/https-client.ts";
import { makeAuthority, makeCertificate } from "../../actors/cluster/io/certificates.ts";
import type { Webhook } from "../fixtures/webhook.ts";
import { startWebhook } from "../fixtures/webhook.ts";
import { FakeEtcd } from "../unit/actors/api-server/harness/fake-etcd.ts";
import type { TestServer } from "../unit/actors/api-server/harness/test-server.ts";
import { startServer } from "../unit/actors/api-server/harness/test-server.ts";
import { ANSWERS } from "./conversion-case.mjs";
import type { Answer, Peer } from "./exchange.mjs";
import { differences, readScenarios, runScenario } from "./exchange.mjs";

const folder = new URL("conversion/", import.meta.url);
const recorded = JSON.parse(readFileSync(new URL("verbs.json", folder), "utf8")) as Readonly<
  Record<string, readonly Answer[]>
>;

let server: TestServer;
let webhook: Webhook;
let peer: Peer;
let how = "as it should";
beforeAll(async () => {
  webhook = await startWebhook((review) => ANSWERS[how]?.(review) ?? {});
  const authority = makeAuthority("test-ca", Date.now());
  const { certificate, key } = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
  const tls = { ca: authority.certificate, cert: certificate, key };
  server = await startServer({ tls }, httpsDoor(), new FakeEtcd(), tokenKeys, { openHttps: httpsClient });
  const { port } = await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never);
  const answerAs = (name: string): void => void (how = name);
  const { url, bundle } = webhook;
  peer = { url: `https://127.0.0.1:${port}`, token: "secret", webhook: answerAs, webhookUrl: url, bundle };
});
afterAll(async () => {
  await server.stop();
  await webhook.stop();
  expect(server.crashes).toEqual([]);
});

describe("custom resources that a webhook converts", () => {
  const scenarios = readScenarios(new URL("verbs.yaml", folder)).map((each, index) => ({ ...each, index }));
  it.each(scenarios)("are answered as recorded: $name", async ({ name, steps, index }) => {
    const answers = await runScenario(peer, { name, steps }, `conversion-${index}`);
    const found = steps.flatMap((step, at) =>
      differences(bare(recorded[name]?.[at]), bare(answers[at])).map(
        (difference) => `${at} ${step.do} | ${difference}`,
      ),
    );
    // An assertion would cut the text short.
    if (found.length > 0) throw new Error(found.join("\n"));
  });
});

/** Of the definition itself other tests speak, and where the webhook is differs. */
function bare(answer: Answer | undefined): unknown {
  const body = answer?.body as
    | { readonly kind?: string; readonly status?: { readonly storedVersions?: unknown } }
    | undefined;
  if (body?.kind !== "CustomResourceDefinition") return inOneOrder(answer);
  return { status: answer?.status, storedVersions: body.status?.storedVersions };
}

/** Managers stand in the order of their times, which are to the second. */
function inOneOrder(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => inOneOrder(item));
    return key === "managedFields" ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, inOneOrder(item, name)]));
}
