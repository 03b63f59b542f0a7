import type { Plugin } from "../framework.ts";

/** Higher priority first; among equals the queue keeps the order in which they came. */
export const prioritySort: Plugin = {
  name: "PrioritySort",
  queueSort: (left, right) => right.priority - left.priority,
};
