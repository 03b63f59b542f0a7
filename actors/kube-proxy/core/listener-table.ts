/**
 * The listeners of a proxy: what is wanted, what is bound, and what to do when an address is refused.
 *
 * A cluster address that can't be bound is served elsewhere: a privileged port (PERMISSION_DENIED) on another port of the
 * same address; a whole address (ADDRESS_NOT_AVAILABLE: macOS has 127.0.0.1 only), or one that a stranger keeps, on a port of 127.0.0.1.
 * Where, is published on the Service. A NodePort has no such way out: it is tried again, or given up.
 */
import type { Address } from "../../../protocols/kube-proxy.ts";

export interface WantedListener {
  readonly host: string;
  readonly port: number;
  /** `cluster`: a Service's own address. `node`: a NodePort on a node's address. `local`: a NodePort on 127.0.0.1. */
  readonly kind: "cluster" | "node" | "local";
  readonly servicePort: string;
  /** Where it was served before, by this proxy or another: kept if possible, so that what clients know stays right. */
  readonly published?: Address;
}

export interface ListenerTableOptions {
  /** First and longest pause before a taken address is tried again: its last owner is just dying. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Tries before a taken cluster address counts as a stranger's. With the pauses about two seconds. */
  readonly inUseMax: number;
}

export const LISTENER_TABLE_DEFAULTS: ListenerTableOptions = { retryBaseMs: 2, retryMaxMs: 250, inUseMax: 15 };

export type ListenerCommand =
  | { readonly kind: "listen"; readonly id: string; readonly address: Address }
  | { readonly kind: "close"; readonly id: string }
  | { readonly kind: "retry"; readonly id: string; readonly delayMs: number }
  | { readonly kind: "give-up"; readonly id: string; readonly code: string };

export interface ListenerRow {
  readonly wanted: WantedListener;
  readonly bound: Address | undefined;
}

interface Row {
  wanted: WantedListener;
  /** `leaving`: no longer wanted, but its bind is still under way. */
  state: "binding" | "bound" | "retry" | "given-up" | "leaving";
  bound: Address | undefined;
  /** Addresses still to try, the current one first. */
  places: Address[];
  inUse: number;
}

const SHARED: Address = { host: "127.0.0.1", port: 0 };

export class ListenerTable {
  private readonly rows = new Map<string, Row>();
  private readonly options: ListenerTableOptions;

  constructor(options: ListenerTableOptions = LISTENER_TABLE_DEFAULTS) {
    this.options = options;
  }

  /** `wanted` becomes all there is. At most one listener an address: the first wins. */
  want(wanted: readonly WantedListener[]): readonly ListenerCommand[] {
    const commands: ListenerCommand[] = [];
    const kept = new Set<string>();
    for (const each of wanted) {
      const id = `${each.host}:${each.port}`;
      if (kept.has(id)) continue;
      kept.add(id);
      const row = this.rows.get(id);
      if (row === undefined) commands.push(this.add(id, each));
      else {
        row.wanted = each;
        if (row.state === "leaving") row.state = "binding";
      }
    }
    for (const [id, row] of this.rows) if (!kept.has(id)) commands.push(...this.drop(id, row));
    return commands;
  }

  /** What listens at `id`; undefined for one that has gone meanwhile: then the connection has nowhere to go. */
  wanted(id: string): WantedListener | undefined {
    const row = this.rows.get(id);
    return row === undefined || row.state === "leaving" ? undefined : row.wanted;
  }

  bound(id: string, address: Address): readonly ListenerCommand[] {
    const row = this.row(id);
    if (row.state === "leaving") {
      this.rows.delete(id);
      return [{ kind: "close", id }];
    }
    row.state = "bound";
    row.bound = address;
    row.inUse = 0;
    return [];
  }

  refused(id: string, code: string): readonly ListenerCommand[] {
    const row = this.row(id);
    if (row.state === "leaving") {
      this.rows.delete(id);
      return [];
    }
    const fallback = this.fallback(row, code);
    if (fallback !== undefined) {
      row.places = fallback;
      return [this.listen(id, row)];
    }
    if (code === "ADDRESS_IN_USE") {
      row.state = "retry";
      const delayMs = Math.min(this.options.retryMaxMs, this.options.retryBaseMs * 2 ** Math.min(row.inUse, 16));
      row.inUse++;
      return [{ kind: "retry", id, delayMs }];
    }
    row.state = "given-up";
    return [{ kind: "give-up", id, code }];
  }

  /** The pause of a `retry` is over. */
  retryDue(id: string): readonly ListenerCommand[] {
    const row = this.rows.get(id);
    return row?.state === "retry" ? [this.listen(id, row)] : [];
  }

  list(): readonly ListenerRow[] {
    return [...this.rows.values()]
      .filter((row) => row.state !== "leaving")
      .map((row) => ({ wanted: row.wanted, bound: row.bound }));
  }

  private add(id: string, wanted: WantedListener): ListenerCommand {
    const own = { host: wanted.host, port: wanted.port };
    const row: Row = { wanted, state: "binding", bound: undefined, places: [own], inUse: 0 };
    this.rows.set(id, row);
    return this.listen(id, row);
  }

  private listen(id: string, row: Row): ListenerCommand {
    row.state = "binding";
    const address = row.places[0];
    if (address === undefined) throw new Error(`no place left for ${id}`);
    return { kind: "listen", id, address };
  }

  private drop(id: string, row: Row): readonly ListenerCommand[] {
    if (row.state === "binding") {
      row.state = "leaving";
      return [];
    }
    if (row.state === "leaving") return [];
    this.rows.delete(id);
    return row.bound === undefined ? [] : [{ kind: "close", id }];
  }

  /** The places to try now, or undefined to stay with the present one. */
  private fallback(row: Row, code: string): Address[] | undefined {
    const [current, ...rest] = row.places;
    if (row.wanted.kind !== "cluster" || current === undefined) return undefined;
    const isFirst = current.host === row.wanted.host && current.port === row.wanted.port;
    if (!isFirst) return rest.length > 0 ? rest : undefined;
    const published = row.wanted.published;
    const before = (host: string): Address[] => (published?.host === host ? [published] : []);
    if (code === "PERMISSION_DENIED") {
      return [...before(row.wanted.host), { host: row.wanted.host, port: 0 }, SHARED];
    }
    const isStranger = code === "ADDRESS_IN_USE" && row.inUse >= this.options.inUseMax;
    return code === "ADDRESS_NOT_AVAILABLE" || isStranger ? [...before(SHARED.host), SHARED] : undefined;
  }

  private row(id: string): Row {
    const row = this.rows.get(id);
    if (row === undefined) throw new Error(`no listener ${id}`);
    return row;
  }
}
