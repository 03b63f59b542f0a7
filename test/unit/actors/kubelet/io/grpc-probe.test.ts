/** A kubelet's gRPC probe against servers of gRPC's health protocol, on HTTP/2. Source: kubelet `pkg/probe/grpc/grpc.go`. */
import type { Http2SecureServer, Http2Server, ServerHttp2Stream } from "node:http2";
import { createSecureServer, createServer } from "node:http2";
import { afterEach, expect, it } from "vitest";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import { probeGrpc } from "../../../../../actors/kubelet/probe-client.ts";
import { askHealth } from "../../../../../actors/kubelet/io/grpc-probe.ts";

let server: Http2Server | Http2SecureServer | undefined;
let close = (): void => undefined;
afterEach(() => close());

interface Answer {
  readonly grpcStatus?: string;
  readonly message?: string;
  /** Of `ServingStatus`; absent: nothing is answered. */
  readonly serving?: number;
}

/** Answers for each service by name, and the bytes that it was asked with. */
async function serve(
  answers: Readonly<Record<string, Answer>>,
  tls?: { readonly cert: string; readonly key: string },
): Promise<{ port: number; asked: Buffer[] }> {
  const asked: Buffer[] = [];
  const streams = new Set<ServerHttp2Stream>();
  server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on("stream", (stream, headers) => {
    streams.add(stream);
    stream.on("error", () => undefined);
    stream.once("data", (bytes: Buffer) => {
      asked.push(bytes);
      const { grpcStatus = "0", message = "", serving } = answers[bytes.subarray(7).toString()] ?? {};
      if (headers[":path"] !== "/grpc.health.v1.Health/Check") return stream.close();
      if (grpcStatus !== "0") {
        stream.respond({ "content-type": "application/grpc", "grpc-status": grpcStatus, "grpc-message": message });
        return stream.end();
      }
      if (serving === undefined) return undefined;
      stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      return stream.end(Buffer.from(serving === 0 ? [0, 0, 0, 0, 0] : [0, 0, 0, 0, 2, 8, serving]));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  close = () => {
    for (const stream of streams) stream.session?.destroy();
    listening.close();
  };
  const address = listening.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, asked };
}

type Mode = "Plaintext" | "TLS";

const probe = (port: number, service: string, timeoutMs = 5_000, mode?: Mode): ReturnType<typeof probeGrpc> => {
  const action = { port, service, ...(mode === undefined ? {} : { mode }) };
  return probeGrpc(askHealth, { host: "127.0.0.1", port }, action, timeoutMs);
};

it("succeeds while the service says that it serves, and asks for the service by name", async () => {
  const { port, asked } = await serve({ web: { serving: 1 } });
  expect(await probe(port, "web")).toEqual({ isSuccess: true, output: "" });
  expect(asked).toEqual([Buffer.from([0, 0, 0, 0, 5, 0x0a, 3, ...Buffer.from("web")])]);
});

it("asks over TLS where that is the mode, whoever's the certificate is", async () => {
  const authority = makeAuthority("ca", Date.now());
  const { certificate: cert, key } = makeCertificate(authority, { commonName: "x" }, [], Date.now());
  const { port } = await serve({ web: { serving: 1 } }, { cert, key });
  expect(await probe(port, "web", 5_000, "TLS")).toEqual({ isSuccess: true, output: "" });
  expect((await probe(port, "web", 5_000, "Plaintext")).isSuccess).toBe(false);
});

it.each([
  [{ serving: 2 }, 'service unhealthy (responded with "NOT_SERVING")'],
  [{ serving: 0 }, 'service unhealthy (responded with "UNKNOWN")'],
  [{ grpcStatus: "12", message: "no" }, "error: this server does not implement the grpc health protocol"],
  [{ grpcStatus: "5", message: "unknown service" }, "error: health rpc probe failed: code 5: unknown service"],
])("fails when it answers %j", async (answer, words) => {
  const { port } = await serve({ web: answer });
  const { isSuccess, output } = await probe(port, "web");
  expect(isSuccess).toBe(false);
  expect(output).toContain(words);
});

it("fails when nobody answers in time, and when nobody listens", async () => {
  const { port } = await serve({ web: {} });
  const late = await probe(port, "web", 100);
  expect(late).toMatchObject({ isSuccess: false });
  expect(late.output).toContain("within 0.1s: context deadline exceeded");
  close();
  const gone = await probe(port, "web");
  expect(gone).toMatchObject({ isSuccess: false });
  expect(gone.output).toContain("error: failed to connect service");
});
