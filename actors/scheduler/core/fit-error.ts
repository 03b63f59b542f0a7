/** Kubernetes' sentence: how many nodes there are, and how many of them failed for which reason. */
import type { Rejection } from "./framework.ts";

/** What is said of nodes that `rejections` does not name, when there are such. */
export function fitError(nodes: number, rejections: ReadonlyMap<string, Rejection>, ofOthers: string = ""): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections.values()) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const others = nodes - rejections.size;
  if (others > 0 && ofOthers !== "") counts.set(ofOthers, (counts.get(ofOthers) ?? 0) + others);
  const sentences = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return sentence(nodes, sentences.join(", "));
}

export function sentence(nodes: number, reason: string): string {
  return `0/${nodes} nodes are available:${reason === "" ? "" : ` ${reason}.`}`;
}
