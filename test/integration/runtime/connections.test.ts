/** Node.js reads on from the connections of a thread that ends, and a request that comes in then would end the process. */
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:http2";
import { expect, it } from "vitest";
import { makeAuthority, makeCertificate } from "../../../actors/cluster/io/certificates.ts";
import { webProtocol } from "../../fixtures/actors/web-protocol.ts";
import type { Threads } from "../../fixtures/threads.ts";
import { child, useThreads } from "../../fixtures/threads.ts";

const SESSIONS = 4;
const REQUESTS_EACH = 16;
const ANSWERS_FIRST = 100;
const ROUNDS = 3;

const { open } = useThreads();
const authority = makeAuthority("test-ca", Date.now());
const { certificate: cert, key } = makeCertificate(authority, { commonName: "web" }, ["127.0.0.1"], Date.now());

/** Sends requests with bodies without pause until the connection ends; resolves when some have been answered. */
async function press(port: number): Promise<void> {
  let answers = 0;
  await new Promise<void>((resolve) => {
    const ask = (session: ClientHttp2Session): void => {
      if (session.closed || session.destroyed) return;
      const request = session.request({ ":method": "POST", ":path": "/" });
      request.on("error", () => undefined);
      request.on("close", () => {
        if (++answers === ANSWERS_FIRST) resolve();
        ask(session);
      });
      request.resume();
      request.end(Buffer.alloc(1_500));
    };
    for (let i = 0; i < SESSIONS; i++) {
      const session = connect(`https://127.0.0.1:${port}`, { ca: authority.certificate });
      session.on("error", () => undefined);
      session.on("connect", () => Array.from({ length: REQUESTS_EACH }).forEach(() => ask(session)));
    }
  });
}

const ENDS: Readonly<Record<string, (threads: Threads) => unknown>> = {
  killed: ({ host }) => host.kill("web"),
  normal: ({ host }) => host.stop("web", 2_000),
  exit: (threads) => threads.ref(webProtocol, "web").cast("die", "exit"),
  throw: (threads) => threads.ref(webProtocol, "web").cast("die", "throw"),
  hang: (threads) => threads.ref(webProtocol, "web").cast("die", "spin"),
};

it.each(Object.keys(ENDS))("a server to which clients send without pause ends alone: %s", async (reason) => {
  // A thread that is late because the machine is does not hang.
  const threads = open({ watchdog: { periodMs: 50, hangAfterMs: reason === "hang" ? 2_000 : 10_000 } });
  for (let round = 1; round <= ROUNDS; round++) {
    await threads.host.start(child("web", "web", { options: { key, cert } }));
    await press(await threads.ref(webProtocol, "web").call("port", null));
    ENDS[reason]!(threads);
    await threads.until(() => threads.deaths.length === round);
  }
  expect(threads.deaths.map((death) => death.reason)).toEqual(Array.from({ length: ROUNDS }, () => reason));
});
