/**
 * A spare thread's rehearsal: two actors of nothing start, exchange a few messages over a link, and end. What V8 compiles
 * and learns for that need not be learnt while an actor is being replaced; it makes a replacement a quarter sooner.
 */
import { MessageChannel } from "node:worker_threads";
import { call, protocol } from "../../protocols/protocol.ts";
import type { Call } from "../../protocols/protocol.ts";
import { defineActor } from "../actor.ts";
import { makeRing } from "../trace/ring.ts";
import { ControlDoor } from "./control.ts";
import { launchActor } from "./hosted-actor.ts";
import type { HostedActor } from "./hosted-actor.ts";

type RehearsalMethods = { readonly echo: Call<unknown, unknown> };

/** For each step, of some ms: a machine where it takes longer has none to spare, and an upgrade must not fail for being late. */
const STEP_MS_MAX = 30_000;
const rehearsalProtocol = protocol<RehearsalMethods>("rehearsal", { echo: call({ timeoutMs: STEP_MS_MAX }) });
const NAMES = ["rehearsal-0", "rehearsal-1"] as const;
/** Small ones, which are cloned, and larger ones, which are frames of records. */
const MESSAGES = [{ value: 0 }, { list: Array.from({ length: 32 }, (_, index) => ({ index, text: `${index}` })) }];
const ROUNDS = 8;
const RING_BYTES = 64 * 1024;

const rehearsalActor = defineActor<RehearsalMethods, { readonly ask: string | undefined }>(
  rehearsalProtocol,
  async (ctx) => {
    const { ask } = ctx.options;
    const peer = ask === undefined ? undefined : ctx.ref(rehearsalProtocol, ask);
    for (let round = 0; round < ROUNDS; round++) {
      for (const message of MESSAGES) await peer?.call("echo", message);
    }
    return { handlers: { echo: (request) => request } };
  },
);

export async function rehearse(): Promise<void> {
  const link = new MessageChannel();
  const ports = [link.port1, link.port2];
  const actors: { readonly hosted: HostedActor; readonly door: ControlDoor }[] = [];
  for (const [index, name] of NAMES.entries()) {
    const peer = NAMES[1 - index]!;
    const control = new MessageChannel();
    const hosted = launchActor(
      rehearsalActor,
      {
        bundle: "",
        name,
        incarnation: name,
        options: { ask: index === 0 ? undefined : peer },
        handedOver: undefined,
        declared: [peer],
        links: [{ peer, port: ports[index]! }],
        control: control.port2,
        ring: makeRing(RING_BYTES),
        progress: new SharedArrayBuffer(4),
        connections: new SharedArrayBuffer(4),
        diskRoot: "",
        fsync: false,
        faults: { parts: [], generation: 0 },
        origin: { cause: "", lamport: 0 },
      },
      {
        shared: true,
        started: () => undefined,
        stopped: () => undefined,
        crashed: (error) => {
          throw error;
        },
      },
    );
    actors.push({ hosted, door: new ControlDoor(name, control.port1) });
  }
  for (const { door } of actors) await door.inspect(STEP_MS_MAX);
  for (const { door } of actors) await door.start(STEP_MS_MAX);
  for (const { hosted, door } of actors) {
    door.close();
    await hosted.release();
  }
}
