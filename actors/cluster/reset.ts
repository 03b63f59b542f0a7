/**
 * Takes a running cluster back to a state. What differs is written; then everybody who acts on objects is asked to have seen it
 * and to have finished what he had begun before; then it is looked again, until nothing differs: a controller that was at work may
 * have made objects for an owner that is gone.
 */
import type { ApiServerMethods } from "../../protocols/api-server.ts";
import type { ControllerManagerMethods } from "../../protocols/controller-manager.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Compare, EtcdMethods, KeyValue, RangeRequest, RequestOp } from "../../protocols/etcd.ts";
import { formatTime } from "../api-server/core/machinery/time.ts";
import type { Ref } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Depth, ResetPlan, State, Write } from "./reset-plan.ts";
import { isOfTheStart, planReset, strangers, writesOf } from "./reset-plan.ts";

/** Keys read at a time. */
const PAGE = 5_000;
/** Of one transaction: etcd's `--max-txn-ops`, and well below its largest request. */
const OPS_MAX = 128;
const BYTES_MAX = 1_048_576;
/** Keys that an error names. */
const NAMED_MAX = 5;

export interface ResetHome {
  readonly clock: Clock;
  readonly apiServers: readonly Ref<ApiServerMethods>[];
  readonly controllerManagers: readonly Ref<ControllerManagerMethods>[];
  /** Address of the Service `kubernetes`. */
  readonly apiAddress: string;
  /** Asks one member after the other until one answers. */
  readonly askEtcd: <Reply>(ask: (member: Ref<EtcdMethods>) => Promise<Reply>) => Promise<Reply>;
}

/** All objects at one revision, everything that was acknowledged before among them. Errors: etcd's own. */
export async function readState({ askEtcd }: Pick<ResetHome, "askEtcd">): Promise<State> {
  const state = new Map<string, KeyValue>();
  let request: RangeRequest = { key: "/registry/", rangeEnd: "/registry0", limit: PAGE };
  for (;;) {
    const { kvs, more, header } = await askEtcd((member) => member.call("range", request));
    for (const kv of kvs) state.set(kv.key, kv);
    const last = kvs.at(-1);
    if (!more || last === undefined) return state;
    request = { ...request, key: `${last.key}\0`, revision: request.revision ?? header.revision };
  }
}

/** Errors: RESET_TIMEOUT, which names what goes on to differ; etcd's own. */
export async function resetTo(home: ResetHome, base: Map<string, KeyValue>, timeoutMs: number): Promise<void> {
  const deadlineMs = home.clock.monotonicMs() + timeoutMs;
  for (let depth: Depth = "everything"; ; depth = "identity") {
    const now = await readState(home);
    await adoptLate(home, base, now);
    const plan = planReset(base, now, depth, formatTime(home.clock.nowMs()));
    if (depth === "identity" && writesOf(plan).length === 0) return;
    if (home.clock.monotonicMs() > deadlineMs) throw timedOut(plan, timeoutMs);
    await carryOut(home, plan);
    await everybodyKnows(home);
  }
}

/** What belongs to the start and was not there yet when `base` was read joins it, as it was first written. */
async function adoptLate(home: ResetHome, base: Map<string, KeyValue>, now: State): Promise<void> {
  for (const kv of strangers(base, now)) {
    if (isOfTheStart(kv, home.apiAddress)) base.set(kv.key, kv.version === 1 ? kv : await asCreated(home, kv));
  }
}

async function asCreated({ askEtcd }: ResetHome, kv: KeyValue): Promise<KeyValue> {
  try {
    const { kvs } = await askEtcd((member) => member.call("range", { key: kv.key, revision: kv.createRevision }));
    return kvs[0] ?? kv;
  } catch (error) {
    if (hasCode(error, "ETCD_COMPACTED")) return kv;
    throw error;
  }
}

async function carryOut(home: ResetHome, { deletes, marks, ends, puts }: ResetPlan): Promise<void> {
  await write(home, [...deletes, ...marks]);
  await write(home, ends);
  await write(home, puts);
}

/** Where a key has changed meanwhile its whole transaction is left out; the next look sees it. */
async function write({ askEtcd }: ResetHome, writes: readonly Write[]): Promise<void> {
  const asked: Promise<unknown>[] = [];
  for (const some of inBatches(writes)) {
    const compare = some.flatMap(({ key, seen }): readonly Compare[] =>
      seen === undefined ? [] : [{ key, target: "mod", result: "equal", value: seen }],
    );
    const success = some.map(({ key, value }): RequestOp =>
      value === undefined ? { deleteRange: { key } } : { put: { key, value } },
    );
    asked.push(askEtcd((member) => member.call("txn", { compare, success, failure: [] })));
  }
  await Promise.all(asked);
}

function* inBatches(writes: readonly Write[]): Generator<readonly Write[]> {
  let batch: Write[] = [];
  let bytes = 0;
  for (const one of writes) {
    const size = one.key.length + (one.value?.length ?? 0);
    if (batch.length === OPS_MAX || (batch.length > 0 && bytes + size > BYTES_MAX)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(one);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Whoever is down does nothing, and begins with the newest state. */
async function everybodyKnows({ apiServers, controllerManagers }: ResetHome): Promise<void> {
  const asked = [
    ...apiServers.map((server) => server.call("ready", null)),
    ...controllerManagers.map((manager) => manager.call("caughtUp", null)),
  ];
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === "rejected" && !(answer.reason instanceof InkubeError)) throw answer.reason;
  }
}

function timedOut(plan: ResetPlan, timeoutMs: number): InkubeError {
  const keys = [...new Set(writesOf(plan).map(({ key }) => key))];
  const more = keys.length > NAMED_MAX ? ` and ${keys.length - NAMED_MAX} more` : "";
  return new InkubeError(
    "RESET_TIMEOUT",
    `after ${timeoutMs} ms somebody still changes ${keys.slice(0, NAMED_MAX).join(", ")}${more}; stop your own controllers, or let them finish, before a reset`,
    { retryable: true },
  );
}
