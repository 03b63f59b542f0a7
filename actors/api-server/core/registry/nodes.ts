/** Nodes: a kubelet registers with its status, and a creation keeps it. */
import type { Strategy } from "./strategy.ts";

export const nodeStrategy: Strategy = { status: "kept" };
