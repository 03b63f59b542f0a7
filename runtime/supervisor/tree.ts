/** A supervision tree as it is now: plain data, and a picture of it for a page that draws Mermaid. */
import type { ChildState, ChildStatus } from "./core/supervisor-core.ts";
import type { ChildSpec, Strategy, SupervisorSpec } from "./spec.ts";
import { isSupervisor } from "./spec.ts";

export interface TreeNode {
  readonly name: string;
  readonly state: ChildState;
  readonly restarts: number;
  /** Reason of its newest end, when it has ended before. */
  readonly lastDown?: string;
  /** Of a supervisor. */
  readonly strategy?: Strategy;
  readonly children?: readonly TreeNode[];
}

export function treeOf(
  spec: ChildSpec | SupervisorSpec,
  statusOf: (name: string) => ChildStatus,
  lastDowns: ReadonlyMap<string, string>,
): TreeNode {
  const { name, state, restarts } = statusOf(spec.name);
  const lastDown = lastDowns.get(name);
  return {
    name,
    state,
    restarts,
    ...(lastDown === undefined ? {} : { lastDown }),
    ...(isSupervisor(spec)
      ? { strategy: spec.strategy, children: spec.children.map((child) => treeOf(child, statusOf, lastDowns)) }
      : {}),
  };
}

/** Mermaid's `flowchart`: supervisors with their strategies, actors with their states, those that are not up marked. */
export function mermaidOf(root: TreeNode): string {
  const lines = ["flowchart TD"];
  let count = 0;
  const draw = (node: TreeNode): string => {
    const id = `n${count++}`;
    const facts = [
      node.strategy,
      node.state === "up" ? undefined : node.state,
      node.restarts > 0 ? `${node.restarts} restarts` : undefined,
      node.lastDown === undefined ? undefined : `last: ${node.lastDown}`,
    ].filter((fact) => fact !== undefined);
    const label = [node.name, ...facts].join("<br/>").replaceAll('"', "'");
    lines.push(node.children === undefined ? `  ${id}("${label}")` : `  ${id}["${label}"]`);
    if (node.state !== "up") lines.push(`  class ${id} notUp`);
    for (const child of node.children ?? []) lines.push(`  ${id} --> ${draw(child)}`);
    return id;
  };
  draw(root);
  lines.push("  classDef notUp stroke-dasharray: 4");
  return `${lines.join("\n")}\n`;
}
