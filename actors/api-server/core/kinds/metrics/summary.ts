/** What a kubelet has answered, or whoever a Node says is its kubelet. */
import type { CpuStats, MemoryStats, StatsSummary } from "../../../../../protocols/kubelet.ts";
import { isTooDeep } from "../../machinery/json.ts";
import { isJsonObject } from "../../machinery/json-value.ts";

/** Undefined for anything that is no summary in all that is read of it. */
export function summaryIn(text: string): StatsSummary | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (isTooDeep(value) || !isJsonObject(value)) return undefined;
  const { node, pods } = value;
  const isWhole = isMeasured(node) && Array.isArray(pods) && pods.every(isPod);
  return isWhole ? (value as unknown as StatsSummary) : undefined;
}

function isPod(pod: unknown): boolean {
  if (!isMeasured(pod)) return false;
  const { podRef, containers } = pod as { readonly podRef?: unknown; readonly containers?: unknown };
  if (!isJsonObject(podRef) || typeof podRef["uid"] !== "string" || !Array.isArray(containers)) return false;
  return containers.every((one) => isMeasured(one) && typeof (one as { readonly name?: unknown }).name === "string");
}

function isMeasured(value: unknown): boolean {
  if (!isJsonObject(value) || !isJsonObject(value["cpu"]) || !isJsonObject(value["memory"])) return false;
  const { time, windowSeconds, usageNanoCores } = value["cpu"] as Partial<CpuStats>;
  const { workingSetBytes } = value["memory"] as Partial<MemoryStats>;
  return typeof time === "string" && [windowSeconds, usageNanoCores, workingSetBytes].every(isAmount);
}

/** What is no safe integer when it is rounded is no amount of anything here. */
function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
