import { expect, it } from "vitest";
import {
  ContainerTable,
  decodeJournal,
  encodeJournal,
} from "../../../../../actors/container-runtime/core/container-table.ts";
import type { JournalRecord } from "../../../../../actors/container-runtime/core/container-table.ts";
import type { ContainerStatus, PodSandboxStatus } from "../../../../../protocols/container-runtime.ts";

const sandbox: PodSandboxStatus = {
  id: "s",
  metadata: { name: "web", uid: "u", namespace: "default", attempt: 0 },
  state: "SANDBOX_READY",
  createdAtMs: 1,
  network: { ip: "127.64.0.1", askedIp: "127.64.0.1" },
  hostname: "web",
  labels: {},
  annotations: {},
};
const container = (id: string): ContainerStatus => ({
  id,
  podSandboxId: "s",
  metadata: { name: id, attempt: 0 },
  state: "CONTAINER_CREATED",
  createdAtMs: 1,
  startedAtMs: 0,
  finishedAtMs: 0,
  exitCode: 0,
  image: "web",
  imageRef: "sha256:0",
  reason: "",
  message: "",
  labels: {},
  annotations: {},
  logPath: "",
  reportsListening: true,
  listening: {},
});

function history(): { readonly table: ContainerTable; readonly records: readonly JournalRecord[] } {
  const table = new ContainerTable();
  const records = [
    table.putSandbox(sandbox),
    table.putContainer(container("runs")),
    table.started("runs", 10),
    table.listening("runs", 80, 41_000),
    table.putContainer(container("ended")),
    table.started("ended", 11),
    table.exited("ended", { exitCode: 3, reason: "Error", message: "" }, 12),
    table.putContainer(container("gone")),
    table.remove("gone"),
  ];
  return { table, records };
}

it("the next incarnation knows all containers, and that none of them runs", () => {
  const { records } = history();
  const table = ContainerTable.recover(decodeJournal(encodeJournal(records)), 99);
  expect(table.sandbox("s")).toEqual(sandbox);
  expect(table.container("runs")).toMatchObject({
    state: "CONTAINER_EXITED",
    startedAtMs: 10,
    finishedAtMs: 99,
    exitCode: 137,
    listening: {},
  });
  expect(table.container("ended")).toMatchObject({ exitCode: 3, finishedAtMs: 12 });
  expect(table.has("gone")).toBe(false);
});

it("a snapshot says the same as the history it replaces", () => {
  const { table, records } = history();
  const recovered = (from: readonly JournalRecord[]) => ContainerTable.recover(from, 99).listContainers();
  expect(recovered(table.snapshot())).toEqual(recovered(records));
});

it("a journal that a crash cut short loses its last record only", () => {
  const { records } = history();
  const bytes = encodeJournal(records);
  expect(decodeJournal(bytes.subarray(0, bytes.length - 3))).toEqual(records.slice(0, -1));
});

it("what isn't there is an error that a caller can match", () => {
  expect(() => new ContainerTable().container("x")).toThrow(expect.objectContaining({ code: "CONTAINER_NOT_FOUND" }));
});
