/** What etcd tells of its health, version and metrics beside gRPC. Source: etcd `server/etcdserver/api/etcdhttp`. */
import { hasCode } from "../../../protocols/errors.ts";
import { METRICS_TYPES, metricsText } from "../../../runtime/metrics/exposition.ts";
import type { Metrics } from "../../../runtime/metrics/metrics.ts";
import type { Member } from "../member.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export function pages(member: Member, metrics: Metrics): (url: string) => Promise<Page | undefined> {
  return async (url) => {
    const { pathname, searchParams } = new URL(url, "http://etcd");
    switch (pathname) {
      case "/health": {
        const reason = await sickness(member, searchParams.get("serializable") === "true");
        const health = { health: String(reason === ""), reason };
        return { status: reason === "" ? 200 : 503, contentType: JSON_TYPE, body: JSON.stringify(health) };
      }
      // A member without a quorum lives: to restart it would not help.
      case "/livez":
        return checked("serializable_read", await sickness(member, true), searchParams.has("verbose"));
      case "/readyz":
        return checked("linearizable_read", await sickness(member, false), searchParams.has("verbose"));
      case "/version": {
        const { version } = member.status();
        const body = JSON.stringify({ etcdserver: version, etcdcluster: version, storage: version });
        return { status: 200, contentType: JSON_TYPE, body };
      }
      case "/metrics":
        return { status: 200, contentType: METRICS_TYPES.prometheus, body: metricsText(metrics.families()) };
      default:
        return undefined;
    }
  };
}

function checked(name: string, reason: string, isVerbose: boolean): Page {
  const isWell = reason === "";
  const line = isWell ? `[+]${name} ok\n` : `[-]${name} failed: ${reason}\n`;
  const body = isVerbose || !isWell ? `${line}ok\n`.replace(/ok\n$/, isWell ? "ok\n" : "not ok\n") : "ok\n";
  return { status: isWell ? 200 : 503, contentType: TEXT, body };
}

/** Empty when all is well. */
async function sickness(member: Member, isSerializable: boolean): Promise<string> {
  const [alarm] = member.status().alarms;
  if (alarm !== undefined && !isSerializable) return `ALARM ${alarm.type}`;
  if (isSerializable) return "";
  try {
    await member.view(() => undefined);
    return "";
  } catch (error) {
    if (!hasCode(error)) throw error;
    return `RANGE ERROR:${error.message}`;
  }
}
