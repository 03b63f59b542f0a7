import { X509Certificate } from "node:crypto";
import { connect, createServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import { objectIdentifier, time } from "../../../../../protocols/der.ts";

const NOW = Date.UTC(2026, 0, 31, 12);
const authority = makeAuthority("test-ca", NOW);

it("makes an authority that vouches for itself and for what it issues", () => {
  const ca = new X509Certificate(authority.certificate);
  expect([ca.subject, ca.ca, ca.verify(ca.publicKey), ca.checkIssued(ca)]).toEqual(["CN=test-ca", true, true, true]);
  const issued = makeCertificate(authority, { commonName: "zoë", organizations: ["a", "b"] }, [], NOW);
  const certificate = new X509Certificate(issued.certificate);
  expect(certificate.subject).toBe("O=a\nO=b\nCN=zoë");
  expect([certificate.ca, certificate.issuer, certificate.checkIssued(ca)]).toEqual([false, "CN=test-ca", true]);
  expect(certificate.verify(ca.publicKey)).toBe(true);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect([certificate.validFrom, certificate.validTo]).toEqual([
    "Jan 31 11:00:00 2026 GMT",
    "Jan 29 12:00:00 2036 GMT",
  ]);
});

it("names hosts and addresses, also so many that lengths take more than a byte", () => {
  const hosts = ["127.0.0.1", ...Array.from({ length: 60 }, (_, index) => `host-${index}.example`)];
  const certificate = new X509Certificate(makeCertificate(authority, { commonName: "s" }, hosts, NOW).certificate);
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(certificate.checkHost("host-59.example")).toBe("host-59.example");
  expect(certificate.checkHost("other.example")).toBeUndefined();
});

it("gives what TLS takes at both ends", async () => {
  const [server, client] = ["server", "client"].map((commonName) =>
    makeCertificate(authority, { commonName }, ["127.0.0.1"], Date.now()),
  ) as [typeof authority, typeof authority];
  const options = { ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
  const listener = createServer({ ...options, cert: server.certificate, key: server.key }, (socket) =>
    socket.end((socket.getPeerCertificate().subject as { readonly CN: string }).CN),
  );
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  const socket = connect({ ...options, host: "127.0.0.1", port, cert: client.certificate, key: client.key });
  let heard = "";
  for await (const chunk of socket) heard += String(chunk);
  expect(heard).toBe("client");
  listener.close();
});

it("writes object identifiers and times as X.690 and RFC 5280 say", () => {
  expect(objectIdentifier("1.2.840.10045.4.3.2").toString("hex")).toBe("06082a8648ce3d040302");
  expect(time(new Date(Date.UTC(2049, 11, 31, 23, 59, 59))).toString("latin1")).toBe("\x17\x0d491231235959Z");
  expect(time(new Date(Date.UTC(2050, 0, 1))).toString("latin1")).toBe("\x18\x0f20500101000000Z");
});
