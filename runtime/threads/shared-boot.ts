/**
 * What a thread that actors share runs: it starts and ends actors as the host says, each from its bundle, which is
 * evaluated once for all of them. An actor that crashes is taken apart alone, and its bundle is evaluated anew for the
 * next one, because what it keeps in its modules may be what was broken. (An ES module can't be: it stays.)
 */
import { parentPort, workerData } from "node:worker_threads";
import { guardHeap } from "./heap-guard.ts";
import type { HostedActor, Launch, ThreadStart } from "./hosted-actor.ts";
import { collectAtRest } from "./idle-collection.ts";
import type { LoadedBundle } from "./load-bundle.ts";
import { loadBundle } from "./load-bundle.ts";
import type { SharedBootData, SharedThreadOrder, SharedThreadReport } from "./shared-threads.ts";
import type { SharedThreadDoor } from "./thread.ts";
import { setImmediate } from "./machine-clock.ts";

interface Tenant {
  actor: HostedActor | undefined;
  ended: boolean;
}

interface Loaded {
  readonly launch: Launch;
  readonly bundle: LoadedBundle;
}

const port = parentPort!;
const { progress, heapGuardShare } = workerData as SharedBootData;
const tenants = new Map<number, Tenant>();
const loaded = new Map<string, Loaded>();
let registered: Launch | undefined;
/** One bundle is loaded at a time, so that it is known whose `runActor` was called. */
let loading: Promise<unknown> = Promise.resolve();

(globalThis as SharedThreadDoor).inkubeSharedThread = { register: (launch) => void (registered = launch) };

async function load(file: string): Promise<Loaded> {
  const known = loaded.get(file);
  if (known !== undefined) return known;
  registered = undefined;
  const bundle = await loadBundle(file);
  // An annotation, because the bundle sets it behind the compiler's back.
  const launch = registered as Launch | undefined;
  if (launch === undefined) throw new Error(`${file} did not call runActor`);
  const fresh: Loaded = { launch, bundle };
  loaded.set(file, fresh);
  return fresh;
}

async function start(id: number, given: ThreadStart): Promise<void> {
  // Each start is a step of its own: many in a row are no hang.
  Atomics.add(new Int32Array(progress), 0, 1);
  const tenant: Tenant = { actor: undefined, ended: false };
  tenants.set(id, tenant);
  try {
    const turn = loading.then(() => load(given.bundle));
    loading = turn.catch(() => undefined);
    const { launch, bundle } = await turn;
    if (tenant.ended) return;
    tenant.actor = launch(
      { ...given, progress },
      {
        shared: true,
        started: () => void setImmediate(() => bundle.saveCache()),
        stopped: () => void end(id),
        crashed: (error) => {
          if (given.bundle.endsWith(".cjs")) loaded.delete(given.bundle);
          void end(id, error);
        },
      },
    );
  } catch (error) {
    await end(id, error);
  }
}

async function end(id: number, error?: unknown): Promise<void> {
  const tenant = tenants.get(id);
  if (tenant === undefined || tenant.ended) return;
  tenant.ended = true;
  await tenant.actor?.release();
  tenants.delete(id);
  const report: SharedThreadReport = error === undefined ? { id } : { id, error: errorData(error) };
  port.postMessage(report);
}

function errorData(error: unknown): NonNullable<SharedThreadReport["error"]> {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: "" };
  const { code } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    stack: error.stack ?? "",
    ...(code === undefined ? {} : { code }),
    ...(error.cause instanceof Error ? { cause: error.cause.message } : {}),
  };
}

port.on(
  "message",
  (order: SharedThreadOrder) => void (order.start === undefined ? end(order.id) : start(order.id, order.start)),
);
guardHeap(heapGuardShare);
collectAtRest();
