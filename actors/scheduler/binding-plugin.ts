/** The extension points of a plugin that may wait: between the choice of a node and the bound pod. */
import type { CycleState, Plugin, Rejection } from "./core/framework.ts";
import type { PodInfo } from "./core/pod-info.ts";
import type { Profile } from "./core/profile.ts";

/** `wait`: the pod has its node, and is bound once `until` has resolved without a rejection; when the time is up it is not. */
export type PermitResult =
  | undefined
  | { readonly rejection: Rejection }
  | { readonly wait: { readonly timeoutMs: number; readonly until: Promise<Rejection | undefined> } };

export interface BindingPlugin extends Plugin {
  permit?(state: CycleState, pod: PodInfo, node: string): PermitResult;
  /** What must be done before the pod is bound. */
  preBind?(state: CycleState, pod: PodInfo, node: string): Promise<Rejection | undefined>;
  /** `skip`: another one is to bind it. The pod is bound when it resolves with `bound`; else it throws. */
  bind?(state: CycleState, pod: PodInfo, node: string): Promise<"bound" | "skip">;
}

type BindingPoint = "permit" | "preBind" | "bind";

/** The core keeps them in order and calls none of them. */
export function bindingPlugins<Point extends BindingPoint>(
  { plugins }: Profile,
  point: Point,
): readonly (BindingPlugin & Required<Pick<BindingPlugin, Point>>)[] {
  return plugins[point] as unknown as readonly (BindingPlugin & Required<Pick<BindingPlugin, Point>>)[];
}
