/** The live view of a cluster as lines of text: pure, so that a test can look at it. */
import type { Lease } from "../../../protocols/kubernetes/types/coordination-v1.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { podCells } from "../../api-server/core/kinds/core/pod-cells.ts";
import type { ActorStatus } from "../cluster.ts";
import { meets } from "../conditions.ts";

export interface ViewState {
  readonly server: string;
  readonly kubeconfig: string;
  /** Since the cluster was ready. */
  readonly upMs: number;
  readonly nowMs: number;
  readonly actors: readonly ActorStatus[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly leases: readonly Lease[];
  readonly etcdLeader: string | undefined;
  /** What happened last, the newest at the end. */
  readonly history: readonly string[];
}

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

const MASTER_ROLES = ["etcd", "api-server", "scheduler", "controller-manager"];
const WORKER_ROLES = ["kubelet", "kube-proxy", "container-runtime"];
const HISTORY_ROWS = 4;
const GAP = "  ";

/** At most `size.rows` lines of at most `size.columns` characters. */
export function renderView(state: ViewState, size: ViewSize): readonly string[] {
  const masters = masterRows(state);
  const workers = workerRows(state);
  const history = state.history.slice(-HISTORY_ROWS);
  const head = [
    `inkube  ${state.server}  up ${duration(state.upMs)}`,
    `kubectl --kubeconfig ${state.kubeconfig} get pods -A`,
    "",
    ...table(masters),
    "",
  ];
  const tail = [...(history.length === 0 ? [] : ["", ...history]), "", "Ctrl-C stops the cluster."];
  // What is left goes to the workers, a third of it at most when there are many, and to the pods.
  const room = Math.max(0, size.rows - head.length - tail.length - 1);
  const workerLines = cut(table(workers), Math.max(4, Math.floor(room / 3)), "worker");
  const podLines = cut(table(podRows(state)), room - workerLines.length - 2, "pod");
  const ready = state.pods.filter((pod) => meets(pod, "Ready")).length;
  const lines = [...head, ...workerLines, "", `PODS ${ready} of ${state.pods.length} ready`, ...podLines, ...tail];
  return lines.slice(0, size.rows).map((line) => fit(line, size.columns));
}

function masterRows(state: ViewState): readonly (readonly string[])[] {
  const holders = new Set([state.etcdLeader, ...state.leases.map((lease) => lease.spec?.holderIdentity)]);
  const masters = state.actors.filter(({ name }) => /^master-\d+$/.test(name));
  return [
    ["MASTER", ...MASTER_ROLES.map((role) => role.toUpperCase())],
    ...masters.map(({ name }) => {
      const index = name.slice("master-".length);
      return [name, ...MASTER_ROLES.map((role) => stateOf(state, `${role}-${index}`, holders))];
    }),
  ];
}

function workerRows(state: ViewState): readonly (readonly string[])[] {
  const workers = state.actors.filter(({ name }) => /^worker-\d+$/.test(name));
  return [
    ["WORKER", "NODE", ...WORKER_ROLES.map((role) => role.toUpperCase()), "PODS"],
    ...workers.map(({ name }) => {
      const node = state.nodes.find(({ metadata }) => metadata?.name === name);
      const count = state.pods.filter(({ spec }) => spec?.nodeName === name).length;
      return [
        name,
        node !== undefined && meets(node, "Ready") ? "Ready" : "NotReady",
        ...WORKER_ROLES.map((role) => stateOf(state, `${name}/${role}`)),
        String(count),
      ];
    }),
  ];
}

/** `up`, `leads`, `backoff`, … with the number of restarts, if there were any. */
function stateOf(state: ViewState, name: string, leaders: ReadonlySet<string | undefined> = new Set()): string {
  const actor = state.actors.find((candidate) => candidate.name === name);
  if (actor === undefined) return "-";
  const word = actor.state === "up" && leaders.has(name) ? "leads" : actor.state;
  return actor.restarts === 0 ? word : `${word} (${actor.restarts})`;
}

/** Pods that are not Ready come first: they are what one looks for. */
function podRows(state: ViewState): readonly (readonly string[])[] {
  const rows = state.pods.map((pod) => {
    const [name, ready, status, restarts, , , node] = podCells(pod, state.nowMs).map(String);
    const path = `${pod.metadata?.namespace ?? ""}/${name ?? ""}`;
    return { isReady: meets(pod, "Ready"), cells: [path, ready ?? "", status ?? "", restarts ?? "", node ?? ""] };
  });
  rows.sort((left, right) =>
    left.isReady === right.isReady ? (left.cells[0]! < right.cells[0]! ? -1 : 1) : left.isReady ? 1 : -1,
  );
  return rows.map(({ cells }) => cells);
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

function cut(lines: readonly string[], rows: number, what: string): readonly string[] {
  if (lines.length <= rows) return lines;
  if (rows <= 0) return [];
  const hidden = lines.length - rows + 1;
  return [...lines.slice(0, rows - 1), `… and ${hidden} more ${what}${hidden === 1 ? "" : "s"}`];
}

function fit(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = String(Math.floor((ms % 60_000) / 1_000)).padStart(2, "0");
  return minutes < 60
    ? `${minutes} m ${seconds} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
}
