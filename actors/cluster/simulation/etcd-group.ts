/** Members of etcd in a simulation: all that clients, checks and faults of etcd need to know of where they are. */
import { InkubeError, hasCode } from "../../../protocols/errors.ts";
import type { MemberStatus } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";

export interface EtcdGroup {
  readonly host: SimulationHost;
  /** Names of the members' actors. */
  readonly members: readonly string[];
}

const STATUS_MS = 200;

/** What a member says of itself; undefined while it does not answer. */
export async function statusOf({ host }: EtcdGroup, member: string): Promise<MemberStatus | undefined> {
  try {
    return await host.context.ref(etcdProtocol, member).call("status", null, { timeoutMs: STATUS_MS });
  } catch (error) {
    if (error instanceof InkubeError && error.retryable) return undefined;
    if (hasCode(error, "DEADLINE_EXCEEDED")) return undefined;
    throw error;
  }
}

/** The member of the newest term that says that it leads; undefined when none does. */
export async function leaderOf(group: EtcdGroup): Promise<string | undefined> {
  let newest: MemberStatus | undefined;
  for (const member of group.members) {
    const status = await statusOf(group, member);
    if (status?.leader === member && (newest === undefined || status.raftTerm > newest.raftTerm)) newest = status;
  }
  return newest?.leader;
}
