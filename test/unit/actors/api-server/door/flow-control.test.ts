/** Priority and fairness over HTTP: by what a request was let in or refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Door, HttpsAnswer } from "../harness/https-client.ts";
import { openDoor } from "../harness/https-client.ts";

const FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1";

describe("a request", () => {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor({ initialObjectsAfterMs: 1 });
  });
  afterAll(() => door.close());

  async function uidOf(resource: string, name: string): Promise<string> {
    const { text } = await door.ask("GET", `${FLOW}/${resource}/${name}`);
    return (JSON.parse(text) as { metadata: { uid: string } }).metadata.uid;
  }

  async function made(resource: string, name: string, spec: object): Promise<string> {
    const { text } = await door.ask("POST", `${FLOW}/${resource}`, {}, { metadata: { name }, spec });
    return (JSON.parse(text) as { metadata: { uid: string } }).metadata.uid;
  }

  const uids = ({ headers }: HttpsAnswer): readonly unknown[] => [
    headers["x-kubernetes-pf-flowschema-uid"],
    headers["x-kubernetes-pf-prioritylevel-uid"],
  ];

  /** Whatever this user asks. @returns the UIDs of schema and level */
  async function jailed(name: string, shares: number = 0): Promise<readonly [string, string]> {
    const limited = { nominalConcurrencyShares: shares, limitResponse: { type: "Reject" }, borrowingLimitPercent: 0 };
    const level = await made("prioritylevelconfigurations", name, { type: "Limited", limited });
    const everything = {
      subjects: [{ kind: "User", user: { name } }],
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    };
    const spec = { priorityLevelConfiguration: { name }, matchingPrecedence: 300, rules: [everything] };
    await made("flowschemas", name, spec);
    // Read, it is known to have come to this server.
    return [await uidOf("flowschemas", name), level];
  }

  it("is answered with what let it in, of whatever it asks, and by objects as they are by then", async () => {
    const bad = { "impersonate-user": "bad" };
    const [schema, level] = await jailed("bad");
    for (const path of ["/api/v1/namespaces/default", "/api/v1/pods", "/version", "/apis/none/v1", "/openapi/v3"]) {
      expect(uids(await door.ask("GET", path, bad)), path).toEqual([schema, level]);
    }
    // Long-running requests are not counted.
    expect(uids(await door.ask("GET", "/api/v1/namespaces/default/pods/p/log", bad))).toEqual([undefined, undefined]);
    await door.ask("DELETE", `${FLOW}/flowschemas/bad`);
    expect((await door.ask("GET", `${FLOW}/flowschemas/bad`)).status).toBe(404);
    expect(uids(await door.ask("GET", "/version", bad))).not.toContain(schema);
  });

  it("for which there is no seat is refused as by kube-apiserver, and let in once one is free", async () => {
    const slow = { "impersonate-user": "slow" };
    const [schema, level] = await jailed("slow");
    door.server.etcd.hold();
    const maps = "/api/v1/namespaces/default/configmaps";
    expect((await door.ask("POST", maps, {}, { metadata: { name: "a" } })).status).toBe(201);
    // It waits for what has just been written.
    const waiting = door.ask("GET", maps, slow);
    const refused = await door.ask("GET", "/version", slow);
    expect([refused.status, refused.type, refused.text]).toEqual([
      429,
      "text/plain; charset=utf-8",
      "Too many requests, please try again later.\n",
    ]);
    expect(refused.headers).toMatchObject({
      "retry-after": "1",
      "x-content-type-options": "nosniff",
      "x-kubernetes-pf-flowschema-uid": schema,
      "x-kubernetes-pf-prioritylevel-uid": level,
    });
    expect((await door.ask("GET", "/version")).status).toBe(200);
    door.server.etcd.release();
    expect((await waiting).status).toBe(200);
    expect((await door.ask("GET", "/version", slow)).status).toBe(200);
  });

  it("for a list has as many seats as it has objects, and a limit below 0 is none", async () => {
    const lists = { "impersonate-user": "lists" };
    await jailed("lists", 1);
    const secrets = "/api/v1/namespaces/default/secrets";
    for (let i = 0; i < 250; i++) await door.ask("POST", secrets, {}, { metadata: { name: `s${i}` } });
    expect((await door.ask("GET", `${secrets}/s249`)).status).toBe(200);
    door.server.etcd.hold();
    expect((await door.ask("POST", secrets, {}, { metadata: { name: "last" } })).status).toBe(201);
    // One of three seats is taken.
    const waiting = door.ask("GET", `${secrets}?limit=1`, lists);
    for (const limit of ["", "?limit=0", "?limit=-1"]) {
      expect((await door.ask("GET", `${secrets}${limit}`, lists)).status, limit).toBe(429);
    }
    door.server.etcd.release();
    expect((await waiting).status).toBe(200);
    expect((await door.ask("GET", `${secrets}?limit=-1`, lists)).status).toBe(200);
  });

  it("of the cluster's masters is exempt, and so are probes of anybody", async () => {
    const exempt = await uidOf("prioritylevelconfigurations", "exempt");
    expect(uids(await door.ask("GET", "/version"))).toEqual([await uidOf("flowschemas", "exempt"), exempt]);
    const nobody = { authorization: "" };
    expect(uids(await door.ask("GET", "/healthz", nobody))).toEqual([await uidOf("flowschemas", "probes"), exempt]);
    expect((await door.ask("GET", "/api", nobody)).status).toBe(401);
  });
});
