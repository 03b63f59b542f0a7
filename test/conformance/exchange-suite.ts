/**
 * inkube answers as kube-apiserver 1.37 does: what is in `recorded/` is what it answered to `exchanges/`. Differences that are meant
 * to be are named in `accepted.yaml`, each with its reason; one that is gone must leave the list.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpsDoor } from "../../actors/api-server/io/door.ts";
import { tokenKeys } from "../../actors/api-server/io/token-keys.ts";
import { SERVICE_ACCOUNT_DEFAULTS } from "../../actors/api-server/spec.ts";
import { makeAuthority, makeCertificate, makeSigningKey } from "../../actors/cluster/io/certificates.ts";
import type { FakeEtcd } from "../unit/actors/api-server/harness/fake-etcd.ts";
import type { TestServer } from "../unit/actors/api-server/harness/test-server.ts";
import { startServer } from "../unit/actors/api-server/harness/test-server.ts";
import { differences, readScenarios, runScenario } from "./exchange.mjs";
import { inOneOrder } from "./order.ts";

interface Recorded {
  readonly status: number;
  readonly type: string;
  readonly warnings: readonly string[];
  readonly body?: unknown;
  /** The body is that of an earlier answer. */
  readonly sameAs?: number;
}

interface Accepted {
  readonly why: string;
  /** Of files, scenarios and differences; a regular expression. */
  readonly where: string;
  /** What comes a moment after the write: who asks sooner or later sees another thing. */
  readonly sometimes?: boolean;
}

const here = new URL(".", import.meta.url);
const files = readdirSync(new URL("exchanges", here)).map((file) => file.replace(".yaml", ""));
const accepted = (parse(readFileSync(new URL("accepted.yaml", here), "utf8")) as readonly Accepted[]).map((row) => ({
  ...row,
  matches: new RegExp(row.where, "u"),
  used: false,
}));

/** @param etcd what the API server keeps its objects in */
export function exchangeSuite(etcd: () => FakeEtcd | Promise<FakeEtcd>): void {
  let server: TestServer;
  let peer: { readonly url: string; readonly token: string };
  beforeAll(async () => {
    const authority = makeAuthority("test-ca", Date.now());
    const { certificate, key } = makeCertificate(
      authority,
      { commonName: "kube-apiserver" },
      ["127.0.0.1"],
      Date.now(),
    );
    // As the recorded server has them.
    const issuer = "https://kubernetes.default.svc";
    const signingKey = makeSigningKey();
    server = await startServer(
      {
        tls: { ca: authority.certificate, cert: certificate, key },
        serviceAccounts: { ...SERVICE_ACCOUNT_DEFAULTS, issuer, audiences: [issuer], signingKey, admission: true },
        tokens: [{ token: "secret", user: "admin", uid: "admin", groups: ["system:masters"] }],
        tolerationSeconds: 300,
        serviceCidr: "10.96.0.0/16",
      },
      httpsDoor(),
      await etcd(),
      tokenKeys,
    );
    const { port } = await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never);
    peer = { url: `https://127.0.0.1:${port}`, token: "secret" };
  });
  afterAll(async () => {
    await server.stop();
    expect(server.crashes).toEqual([]);
  });

  describe.each(files)("exchanges of %s", (file) => {
    const recorded = JSON.parse(readFileSync(new URL(`recorded/${file}.json`, here), "utf8")) as Readonly<
      Record<string, readonly Recorded[]>
    >;
    const scenarios = readScenarios(new URL(`exchanges/${file}.yaml`, here)).map((each, index) => ({ ...each, index }));

    it.each(scenarios)("are answered as recorded: $name", async ({ name, steps, index }) => {
      const answers = await runScenario(peer, { name, steps }, `${file}-${index}`);
      const expected = recorded[name];
      if (expected === undefined) throw new Error("not recorded: run record-exchanges.mjs");
      const found = steps.flatMap((step, at) => {
        const { sameAs, ...own } = expected[at] as Recorded;
        const wanted = sameAs === undefined ? own : { ...own, body: expected[sameAs]?.body };
        return differences(inOneOrder(wanted), inOneOrder(answers[at])).map(
          (difference) => `${file} | ${name} | ${at} ${step.do} | ${difference}`,
        );
      });
      const others = found.filter((difference) => !isAccepted(difference));
      // An assertion would cut the text short.
      if (others.length > 0) throw new Error(others.join("\n"));
    });
  });

  describe("accepted differences", () => {
    it("are all still there", () => {
      expect(accepted.filter(({ used, sometimes }) => !used && sometimes !== true).map(({ why }) => why)).toEqual([]);
    });
  });
}

function isAccepted(difference: string): boolean {
  const found = accepted.filter(({ matches }) => matches.test(difference));
  for (const row of found) row.used = true;
  return found.length > 0;
}
