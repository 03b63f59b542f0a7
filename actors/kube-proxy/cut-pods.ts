/** Which pods can't reach each other: what a plan of faults has cut, by their addresses. Pods are followed only meanwhile. */
import type { LastingClusterFault } from "../../protocols/cluster-faults.ts";
import { fitsPattern } from "../../protocols/fault-fields.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import { tellListenerFault } from "../client/faults.ts";
import { Informer } from "../client/informer.ts";
import { pods } from "../client/resources.ts";

type NetworkLoss = LastingClusterFault & { readonly kind: "pod-network-loss" };

/** By an address, the addresses that it does not reach, and that do not reach it. */
export type Cuts = Readonly<Record<string, readonly string[]>>;

export class CutPods {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly changed: () => void;
  private informer: Informer<Pod> | undefined;
  /** By fault, what was told of it last. */
  private readonly told = new Map<string, string>();

  constructor(ctx: Context<unknown>, client: Client, changed: () => void) {
    this.ctx = ctx;
    this.client = client;
    this.changed = changed;
  }

  start(): void {
    this.ctx.faults.onChange(() => this.look());
    this.look();
  }

  stop(): void {
    this.informer?.stop();
    this.informer = undefined;
  }

  /** Whether what `left` sends to `right`, or the other way round, is lost. */
  isCut(left: string, right: string): boolean {
    return this.informer !== undefined && this.cuts()[left]?.includes(right) === true;
  }

  /** Sorted throughout. */
  cuts(): Cuts {
    const cuts = new Map<string, Set<string>>();
    for (const fault of this.inForce) {
      for (const [from, to] of this.pairsOf(fault)) cuts.set(from, (cuts.get(from) ?? new Set()).add(to));
    }
    const entries = [...cuts].map(([from, to]) => [from, [...to].sort()] as const);
    return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** What is in force by now, for the report. */
  tell(nodeName: string): void {
    for (const fault of this.inForce) {
      const count = this.pairsOf(fault).length / 2;
      const what = `cuts ${count} ${count === 1 ? "pair" : "pairs"} of pods for ${nodeName}`;
      if (count === 0 || this.told.get(fault.id) === what) continue;
      this.told.set(fault.id, what);
      this.ctx.faults.strike(fault, what);
    }
    if (this.inForce.length === 0) this.told.clear();
  }

  private get inForce(): readonly NetworkLoss[] {
    return this.ctx.faults.inForce.filter((fault): fault is NetworkLoss => fault.kind === "pod-network-loss");
  }

  /** Each pair of addresses in both directions. */
  private pairsOf({ between: [left, right] }: NetworkLoss): readonly (readonly [string, string])[] {
    const pairs = new Map<string, readonly [string, string]>();
    const others = this.addressesOf(right);
    for (const from of this.addressesOf(left)) {
      for (const to of others) {
        if (from === to) continue;
        pairs.set(`${from} ${to}`, [from, to]);
        pairs.set(`${to} ${from}`, [to, from]);
      }
    }
    return [...pairs.values()];
  }

  private addressesOf(pattern: string): readonly string[] {
    return (this.informer?.list() ?? []).flatMap(({ metadata, spec, status }) => {
      // Its node's address is not its own.
      const address = spec?.hostNetwork === true ? undefined : status?.podIP;
      const name = `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
      return address === undefined || !fitsPattern(pattern, name) ? [] : [address];
    });
  }

  private look(): void {
    const isWanted = this.inForce.length > 0;
    if (isWanted && this.informer === undefined) {
      const onFault = tellListenerFault(this.ctx.log, "pods");
      this.informer = new Informer(this.ctx, this.client, pods, {}, undefined, onFault);
      this.informer.onChange(() => this.changed());
      this.informer.start();
    }
    if (!isWanted) this.stop();
    this.changed();
  }
}
