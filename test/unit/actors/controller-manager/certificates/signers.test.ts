/** Which requests for certificates are approved and signed, and that what is signed is what was asked for. */
import { X509Certificate, createPublicKey } from "node:crypto";
import { expect, it } from "vitest";
import { makeAuthority, makeCertificateRequest } from "../../../../../actors/cluster/io/certificates.ts";
import { readCertificateRequest } from "../../../../../actors/controller-manager/core/certificates/request.ts";
import { approvalFor, signingOrder } from "../../../../../actors/controller-manager/core/certificates/signers.ts";
import { signCertificate } from "../../../../../actors/controller-manager/io/sign-certificate.ts";
import type { CertificateSigningRequest } from "../../../../../protocols/kubernetes/types/certificates-v1.ts";

const NOW_MS = Date.parse("2026-11-29T12:00:00Z");
const node = { commonName: "system:node:a", organizations: ["system:nodes"] };
const KUBELET = "kubernetes.io/kube-apiserver-client-kubelet";

const serving: Partial<CertificateSigningRequest["spec"]> = {
  signerName: "kubernetes.io/kubelet-serving",
  usages: ["server auth", "digital signature"],
};

/** Of `openssl req`, with the names DNS:a.example, IP:192.0.2.7 and the subject /O=system:nodes/CN=system:node:a. */
const WITH_NAMES = `-----BEGIN CERTIFICATE REQUEST-----
MIIBFjCBvgIBADAvMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxFjAUBgNVBAMMDXN5
c3RlbTpub2RlOmEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQp0FJHVJ8vyEyV
84sh8UpILu0Nlp8FxFlqx0sMRqIsUENObg7EC991XEyxj1MedbXhE23Gw+mtT4vz
Yw+oZXlsoC0wKwYJKoZIhvcNAQkOMR4wHDAaBgNVHREEEzARgglhLmV4YW1wbGWH
BMAAAgcwCgYIKoZIzj0EAwIDRwAwRAIgTMd5jiLPskK6AGJUGT/t3e1d7g+122L3
dEvz2ILSXtoCIHLOE8TdgzuSguBtMB1PgTKhqsZa05rhG741bFxepXAN
-----END CERTIFICATE REQUEST-----
`;

function csr(
  subject: { readonly commonName: string; readonly organizations: readonly string[] } | string,
  changes: Partial<CertificateSigningRequest["spec"]> = {},
  status: CertificateSigningRequest["status"] = {},
): CertificateSigningRequest {
  const request = btoa(typeof subject === "string" ? subject : makeCertificateRequest(subject).request);
  const usages: CertificateSigningRequest["spec"]["usages"] = ["digital signature", "client auth"];
  return { spec: { request, signerName: KUBELET, usages, username: "system:bootstrap:x", ...changes }, status };
}

const approved = { conditions: [{ type: "Approved", status: "True" }] };

it("approves a node's first certificate for who may have it, and its next for itself", () => {
  expect(approvalFor(csr(node))).toBe("nodeclient");
  expect(approvalFor(csr(node, { username: "system:node:a" }))).toBe("selfnodeclient");
});

it.each([
  ["another signer", csr(node, { signerName: "kubernetes.io/kube-apiserver-client" })],
  ["another group", csr({ ...node, organizations: ["system:masters"] })],
  ["a group besides", csr({ ...node, organizations: ["system:nodes", "system:masters"] })],
  ["another name", csr({ ...node, commonName: "admin" })],
  ["another use", csr(node, { usages: ["client auth", "server auth"] })],
  ["no use as a client", csr(node, { usages: ["digital signature"] })],
  ["alternative names", csr(WITH_NAMES)],
  ["a decision that was made", csr(node, {}, { conditions: [{ type: "Denied", status: "True" }] })],
  ["no request", csr("nothing")],
])("leaves to a person one with %s", (_what, request) => expect(approvalFor(request)).toBeUndefined());

it("signs what is approved, once, and says why it can't", () => {
  expect(signingOrder(csr(node), NOW_MS)).toBeUndefined();
  expect(signingOrder(csr(node, { signerName: "example.com/own" }, approved), NOW_MS)).toBeUndefined();
  expect(signingOrder(csr(node, {}, { ...approved, certificate: "x" }), NOW_MS)).toBeUndefined();
  expect(signingOrder(csr({ ...node, organizations: [] }, {}, approved), NOW_MS)).toBe(
    "subject organization is not system:nodes",
  );
  expect(signingOrder(csr(node, serving, approved), NOW_MS)).toBe("DNS or IP subjectAltName is required");
});

it.each(["ec", "rsa"])(
  "makes a certificate of an %s authority that verifies, for the key, the subject and the names asked for",
  (kind) => {
    const authority = kind === "ec" ? makeAuthority("ca", Date.now()) : RSA_AUTHORITY;
    const order = signingOrder(csr(WITH_NAMES, { ...serving, expirationSeconds: 3_600 }, approved), NOW_MS);
    if (order === undefined || typeof order === "string") throw new Error(String(order));
    const certificate = new X509Certificate(signCertificate(order, authority));
    const issuer = new X509Certificate(authority.certificate);
    expect([certificate.checkIssued(issuer), certificate.verify(issuer.publicKey), certificate.ca]).toEqual([
      true,
      true,
      false,
    ]);
    expect(certificate.subject).toBe("O=system:nodes\nCN=system:node:a");
    expect(certificate.subjectAltName).toBe("DNS:a.example, IP Address:192.0.2.7");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([
      NOW_MS - 300_000,
      NOW_MS + 3_600_000,
    ]);
    const asked = readCertificateRequest(btoa(WITH_NAMES))!;
    const key = createPublicKey({ key: Buffer.from(asked.publicKey), format: "der", type: "spki" });
    expect(certificate.publicKey.equals(key)).toBe(true);
  },
);

it("outlives its authority in no case", () => {
  const authority = makeAuthority("ca", Date.now());
  const order = signingOrder(csr(node, { expirationSeconds: 100 * 365 * 86_400 }, approved), Date.now());
  if (order === undefined || typeof order === "string") throw new Error(String(order));
  const certificate = new X509Certificate(signCertificate(order, authority));
  expect(certificate.validTo).toBe(new X509Certificate(authority.certificate).validTo);
});

const RSA_AUTHORITY = {
  certificate: `-----BEGIN CERTIFICATE-----
MIIDITCCAgmgAwIBAgIUWVQbuxXEYBqUdgReVGWqAYoR11QwDQYJKoZIhvcNAQEL
BQAwHzEMMAoGA1UECgwDb3JnMQ8wDQYDVQQDDAZyc2EtY2EwIBcNMjYxMTI5MTcy
MzEwWhgPMjEyNjExMDUxNzIzMTBaMB8xDDAKBgNVBAoMA29yZzEPMA0GA1UEAwwG
cnNhLWNhMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsfwhtDPCceic
1UFY0z2/5TCgmh+pe/gELMxzWwLDI5hWRmrqpl2J3UHcdon/nRhVCwBh9P/Xyfo6
4u9l42WkwP5rac6vh6FDDkBAK1bJZN+WRWe7yCby0EctgSF3RJsGQZB7ajKeUD6s
OerR5w31jvVMlqvFalvoKLGnWH75lTKTjkF5qItudBnibywJMnIX0CtAZuWiWMBG
EpW0foBG69b7WoF6xjp2p2hJ24Pn8tHN6zYiOrm4Rd6ARr0A4cit8FqErAG8n67f
3mtxsm6CWPa2hn6yB+DzdYq8rIboxWnRdSLsNd87Q1mRMW+wiH5O59fXgv51nAra
gsTOlamKFQIDAQABo1MwUTAdBgNVHQ4EFgQULX8hbsuZvIUFduK/zkX5h3sFs5Yw
HwYDVR0jBBgwFoAULX8hbsuZvIUFduK/zkX5h3sFs5YwDwYDVR0TAQH/BAUwAwEB
/zANBgkqhkiG9w0BAQsFAAOCAQEAR6l9Ouw5a0lNcyBd46iGdV2VvfErj7TmAqoD
hEwhp2YCY57GeAwhLetGuGnMKh/zOl5evstDharWRet7kDpCB3pb9KsoQ0m8fmjn
RYXzbs7MpA/bfEQ4sZsGBsg9eXV2EvNXUujhiV22UIKS5ejfnwO1js5bd1Qt2vRh
/L1+ggNF43ayX/vWnMSXAqzA8NIkYyRXFX4sXtKkUn8VhvM1mZXJ85cbCRaxdWCv
yb4nP2CaP/qrQN73w1DT0woLi6GuoMjobGkhjypK7I1hm0SI2Ud5h809HSKB2yqL
N+Lnu7w8NFuX6UbVvhb5gkp5KjM1+JpwYodl4QWklvo6P8YvkA==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCx/CG0M8Jx6JzV
QVjTPb/lMKCaH6l7+AQszHNbAsMjmFZGauqmXYndQdx2if+dGFULAGH0/9fJ+jri
72XjZaTA/mtpzq+HoUMOQEArVslk35ZFZ7vIJvLQRy2BIXdEmwZBkHtqMp5QPqw5
6tHnDfWO9UyWq8VqW+gosadYfvmVMpOOQXmoi250GeJvLAkychfQK0Bm5aJYwEYS
lbR+gEbr1vtagXrGOnanaEnbg+fy0c3rNiI6ubhF3oBGvQDhyK3wWoSsAbyfrt/e
a3GyboJY9raGfrIH4PN1iryshujFadF1Iuw13ztDWZExb7CIfk7n19eC/nWcCtqC
xM6VqYoVAgMBAAECggEALavmNiiF/9bRz8M5+NLCmBw3SfVP91i4MYqxGyyFSHAB
y4YJ+nDMPLN20BAvQG+K+wy5FjZEeDa2v57wxT5C3acrhvYbgrE11MVV8gkOGs1o
8RxiSkT8T8fD/HvK8Bbbrx1VHfYpO6wpY59HB4REe8+kPJGNUfKNi0uzBnlmsArh
aWtZAjtL/jwmr4w0/kd/mA58MGI30YTzMpQ635CmZXeHrQoNr4P+cXWxCHhmHsX3
9AikHzvb5DH4wWWHcv1qpj7ad4FcI1UQv+kTNPhzlGDqLfwLiomXabiR7kSJS1Gy
AShz0V50r9LLU4HceeraUQp9d6K8EvJjFwh6Mu/GLQKBgQDpPJYN7AS4rFuVqq5P
vaX44sNsGwtlHT3A7ZhE9rYmvsyRGH9UsYJOqVUJSUM2+0FIwepVY+Rebbjcicgm
gn7qdwnpHBe0bJnOgHGeelVa3AfnZDkYk92i1WFdoUYjUExLd168SdX4nB3f9GSk
XKo+Y6UuMsI8oSlXbPiYA0D77wKBgQDDWxS1rfAvR5i3XIWSNGnA8wGe0ivcNP+A
sQB1RcLCLI3/cmAANqPw7NNqffwWvkugXT35v39Pdi0F+tEwR/v3REGScDU80FhG
V6k/5Kr6sLKcL2AMZ/Rd9LlShKWZDhqBH0uEbQdysRr5+6yPgDABifR78qiFbua3
uARtUlYmOwKBgF66xs9cvwYqqv/81NN6WYDeyTSNP3GQENbdKW1JLu5JrFh6NK03
c49zYyBkazJXlkpwyDZqXgSkV+Lq6yoI8ndUZegSCuay/T1MGdmeIjDHEUbABBih
ZfGO7P7UU+Jf6Lz1/LpI2ukgr1mYr4+6O0MfwaUj5JQveNUTY1yKZchtAoGBAKMo
G7jM56+lHU/u7wO30Kc8jZrmr4j/nnEN43MOa2Wero2tKa6j8/IQ6VWkmPkpv6HU
niFLJXnpGhtHapTnWfIeyKEUI/KBk2hUaF+bjI1JLDMzggV6gOZDsM/RRzj4RXyX
9YtJQBIzBnPIFUvYZL+0R0OJ2+NtRzYjc1cWkCrnAoGAc1wWSK5RDUEKm4XjBG78
nuZYI9LssyZ0qjsvCNy9W9IpJSZTj4mBlaZLM0Oc4wIJjX2GwejgtMeP9AD82lPY
ljt2ogUm9QfAzGVqTqtP1IaWfOLbvWIHIenAbCfw2WTBrBaPG9OaQPxw15izrGBc
m6vnfeQzfsZp+8acLMIVs+I=
-----END PRIVATE KEY-----
`,
};
