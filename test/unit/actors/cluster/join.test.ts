/** What a node that joins takes for good: options, certificates, what is said of the cluster; and what masters of several processes share. */
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeAuthority, makeCertificate } from "../../../../actors/cluster/io/certificates.ts";
import { loadShared } from "../../../../actors/cluster/io/identity.ts";
import { authorityHash, clusterInfoMap, readClusterInfo } from "../../../../actors/cluster/join/cluster-info.ts";
import { renewalMs } from "../../../../actors/cluster/join/credential.ts";
import type { JoinOptions } from "../../../../actors/cluster/join/options.ts";
import { resolveJoin } from "../../../../actors/cluster/join/options.ts";
import { joinCommandOf, newToken, tokenObjects } from "../../../../actors/cluster/join/tokens.ts";

const directory = mkdtempSync(join(tmpdir(), "inkube-join-unit-"));
afterAll(() => rmSync(directory, { recursive: true }));
const NOW_MS = Date.now();
const authority = makeAuthority("ca", NOW_MS);
const node = { commonName: "system:node:a", organizations: ["system:nodes"] };
const credential = (subject = node, by = authority): string => {
  const { certificate, key } = makeCertificate(by, subject, [], NOW_MS);
  return certificate + key;
};

describe("a node's certificate", () => {
  it("is renewed after four fifths of its life", () => {
    const kept = credential();
    const { validFrom, validTo } = new X509Certificate(kept);
    const [began, end] = [Date.parse(validFrom), Date.parse(validTo)];
    expect(renewalMs(kept, "a", authority.certificate, NOW_MS)).toBe(began + (end - began) * 0.8);
    expect(renewalMs(kept, "a", authority.certificate, end - 59_000)).toBeUndefined();
  });

  it("is none of another node's, of another authority's, or what is no certificate", () => {
    const of = (text: string): number | undefined => renewalMs(text, "a", authority.certificate, NOW_MS);
    expect(of(credential({ ...node, commonName: "system:node:ab" }))).toBeUndefined();
    expect(of(credential(node, makeAuthority("other", NOW_MS)))).toBeUndefined();
    expect(of("")).toBeUndefined();
  });
});

describe("the options of a node that joins", () => {
  const good: JoinOptions = {
    servers: ["https://192.0.2.7:6443"],
    authority: { hash: `sha256:${"a".repeat(64)}` },
    nodeName: "n",
  };
  it("have Kubernetes' own port, and take an address as it is meant", () => {
    expect(resolveJoin({ ...good, servers: ["https://192.0.2.7:6443/"] })).toMatchObject({
      servers: ["https://192.0.2.7:6443"],
      kubeletPort: 10_250,
    });
  });
  const WRONG: readonly (readonly [string, Partial<JoinOptions>])[] = [
    ["servers", { servers: [] }],
    ["servers", { servers: ["http://192.0.2.7:6443"] }],
    ["servers", { servers: ["https://192.0.2.7/api"] }],
    ["nodeName", { nodeName: "A" }],
    ["nodeName", { nodeName: "a/b" }],
    ["nodeName", { nodeName: "worker-0" }],
    ["token", { token: "abc" }],
    ["authority.hash", { authority: { hash: "sha256:abc" } }],
    ["nodeIP", { nodeIP: "::1" }],
    ["podCIDR", { podCIDR: "10.244.0.0/31" }],
    ["podCIDR", { podCIDR: "10.300.0.0/24" }],
  ];
  it.each(WRONG)("are refused by name: %s in %j", (option, change) => {
    expect(() => resolveJoin({ ...good, ...change })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: { option } }),
    );
  });
});

describe("what strangers are told", () => {
  it("is read back as it was written, and as kubeadm writes it", () => {
    const facts = { clusterId: "c", serviceRange: "127.128.0.0/16", leaseRenewMs: 1_000, leaseDurationSeconds: 3 };
    const map = clusterInfoMap("https://192.0.2.7:6443", authority.certificate, facts);
    expect(readClusterInfo(map)).toEqual({ authority: authority.certificate, facts });
    const data = Buffer.from(authority.certificate).toString("base64");
    const kubeconfig = `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ${data}\n    server: https://x:6443\n  name: ""\nkind: Config\n`;
    expect(readClusterInfo({ data: { kubeconfig } })).toEqual({ authority: authority.certificate, facts: undefined });
    expect(readClusterInfo({ data: {} })).toBeUndefined();
  });

  it("is told apart by the hash that openssl gives of the authority's key", () => {
    expect(authorityHash(authority.certificate)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(joinCommandOf("https://h:1", "t", authority.certificate)).toBe(
      `inkube join https://h:1 --token t --discovery-token-ca-cert-hash ${authorityHash(authority.certificate)}`,
    );
  });

  it("has tokens of their form, each another, with an end where there is to be one", () => {
    const tokens = new Set(Array.from({ length: 100 }, newToken));
    expect(tokens.size).toBe(100);
    for (const token of tokens) expect(token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    const [kept, ...bindings] = tokenObjects("abcdef.0123456789abcdef", Date.parse("2026-11-29T12:00:00Z"));
    expect(kept).toMatchObject({ stringData: { expiration: "2026-11-29T12:00:00Z", "token-id": "abcdef" } });
    expect(tokenObjects("abcdef.0123456789abcdef", 0)[0]).not.toHaveProperty("stringData.expiration");
    expect(bindings.length).toBe(4);
  });
});

describe("the keys that masters share", () => {
  it("are made once, for their owner alone to read", () => {
    const path = join(directory, "keys.json");
    const made = loadShared(path, "shop", NOW_MS);
    expect(loadShared(path, "shop", NOW_MS)).toEqual(made);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("are not made anew where they can't be read", () => {
    const path = join(directory, "damaged.json");
    writeFileSync(path, "{");
    expect(() => loadShared(path, "shop", NOW_MS)).toThrow(
      expect.objectContaining({ code: "DATA_DIRECTORY_UNUSABLE" }),
    );
  });
});
