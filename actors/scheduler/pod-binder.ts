/** From the choice of a node to the bound pod: `reserve`, `permit`, `preBind`, `bind`, `postBind` of a profile's plugins. */
import { hasReason } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import { bindingPlugins } from "./binding-plugin.ts";
import type { CycleState, Plugin, Rejection } from "./core/framework.ts";
import type { PodInfo } from "./core/pod-info.ts";
import type { Profile } from "./core/profile.ts";
import { typedPod } from "./pod-reporter.ts";

export type BindOutcome =
  | { readonly kind: "bound" }
  /** A plugin does not let it. */
  | { readonly kind: "rejected"; readonly rejection: Rejection }
  | { readonly kind: "failed" }
  /** There is no such pod any more. */
  | { readonly kind: "gone" };

export class PodBinder {
  private readonly ctx: Context<unknown>;
  private readonly recorder: EventRecorder;

  constructor(ctx: Context<unknown>, recorder: EventRecorder) {
    this.ctx = ctx;
    this.recorder = recorder;
  }

  /** Whatever is not `bound` has been unreserved. */
  async bind(profile: Profile, pod: PodInfo, node: string, state: CycleState, why: Why): Promise<BindOutcome> {
    const { plugins } = profile;
    const outcome = await this.tryBind(profile, pod, node, state, why);
    if (outcome.kind !== "bound") {
      for (const plugin of [...plugins.reserve].reverse()) plugin.unreserve?.(state, pod, node);
      return outcome;
    }
    for (const plugin of plugins.postBind) plugin.postBind(state, pod, node);
    this.recorder
      .because(why)
      .event(typedPod(pod), "Normal", "Scheduled", `Successfully assigned ${pod.key} to ${node}`);
    return outcome;
  }

  private async tryBind(
    profile: Profile,
    pod: PodInfo,
    node: string,
    state: CycleState,
    why: Why,
  ): Promise<BindOutcome> {
    try {
      const rejection =
        first(profile.plugins.reserve, (plugin) => plugin.reserve(state, pod, node)) ??
        (await this.permitted(profile, state, pod, node));
      if (rejection !== undefined) return { kind: "rejected", rejection };
      for (const plugin of bindingPlugins(profile, "preBind")) {
        const rejected = await plugin.preBind(state, pod, node);
        if (rejected !== undefined) return { kind: "rejected", rejection: rejected };
      }
      for (const plugin of bindingPlugins(profile, "bind")) {
        const answer = this.ctx.trace.because(why, () => plugin.bind(state, pod, node));
        if ((await answer) === "bound") return { kind: "bound" };
      }
      return { kind: "failed" };
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.ctx.log.debug("binding failed", { pod: pod.key, node, error: error.message });
      return { kind: hasReason(error, "NotFound") ? "gone" : "failed" };
    }
  }

  /** Whoever is to wait waits for all plugins that say so at the same time. */
  private async permitted(
    profile: Profile,
    state: CycleState,
    pod: PodInfo,
    node: string,
  ): Promise<Rejection | undefined> {
    const waits: Promise<Rejection | undefined>[] = [];
    for (const plugin of bindingPlugins(profile, "permit")) {
      const answer = plugin.permit(state, pod, node);
      if (answer === undefined) continue;
      if ("rejection" in answer) return answer.rejection;
      const { timeoutMs, until } = answer.wait;
      waits.push(Promise.race([until, this.timeout(plugin.name, timeoutMs)]));
    }
    if (waits.length === 0) return undefined;
    return (await Promise.all(waits)).find((rejection) => rejection !== undefined);
  }

  private timeout(plugin: string, timeoutMs: number): Promise<Rejection> {
    const reasons = [`rejected due to timeout after waiting ${timeoutMs / 1_000}s at plugin ${plugin}`];
    return new Promise((resolve) => {
      this.ctx.clock.after(timeoutMs, () => resolve({ plugin, reasons, unresolvable: false }));
    });
  }
}

function first<At extends Plugin>(
  plugins: readonly At[],
  ask: (plugin: At) => Rejection | undefined,
): Rejection | undefined {
  for (const plugin of plugins) {
    const rejection = ask(plugin);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}
