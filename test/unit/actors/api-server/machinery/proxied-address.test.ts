import { describe, expect, it } from "vitest";
import { podsOfSlice } from "../../../../../actors/api-server/core/aggregation/service-endpoints.ts";
import { isProxyable } from "../../../../../actors/api-server/core/rest/proxied-address.ts";

describe("an address that a client may have us speak to", () => {
  it.each(["127.64.0.7", "10.0.0.1", "192.168.1.1", "2001:db8::1", "::1"])("is that of a pod or a node: %s", (host) => {
    expect(isProxyable(host)).toBe(true);
  });

  // In octal, in one number, as a name, and mapped into IPv6, the same address again.
  it.each([
    "169.254.169.254",
    "0251.0376.0251.0376",
    "2852039166",
    "metadata.google.internal",
    "localhost",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "fe80::1",
    "febf::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "127.0.0.1:80",
    "127.0.0.1@169.254.169.254",
    "",
  ])("is none that means this machine's neighbours, nor a name: %s", (host) => {
    expect(isProxyable(host)).toBe(false);
  });

  it("of a Service is one of a pod of its namespace, whatever a slice says besides", () => {
    const at = (address: string, namespace: string, name: string): object => ({
      addresses: [address],
      targetRef: { kind: "Pod", namespace, name },
    });
    const slice = {
      addressType: "IPv4",
      endpoints: [
        { addresses: ["192.0.2.1"] },
        at("127.64.0.1", "shop", "a"),
        at("192.0.2.2", "shop", "a"),
        at("127.64.0.1", "other", "a"),
        at("127.64.0.1", "shop", "gone"),
      ],
    } as never;
    const pod = { status: { podIPs: [{ ip: "127.64.0.1" }] } } as never;
    const { endpoints } = podsOfSlice(slice, "shop", (name) => (name === "a" ? pod : undefined));
    expect((endpoints ?? []).map(({ addresses }) => addresses)).toEqual([["127.64.0.1"]]);
  });
});
