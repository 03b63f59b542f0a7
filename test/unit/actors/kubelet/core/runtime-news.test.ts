import { expect, it } from "vitest";
import { withNews } from "../../../../../actors/kubelet/core/runtime-news.ts";
import type {
  ContainerEvent,
  ContainerEventType,
  ContainerState,
  ContainerStatus,
} from "../../../../../protocols/container-runtime.ts";

const status = (
  id: string,
  state: ContainerState,
  listening: Readonly<Record<string, number>> = {},
): ContainerStatus => ({
  id,
  podSandboxId: "s",
  metadata: { name: id, attempt: 0 },
  state,
  createdAtMs: 0,
  startedAtMs: 0,
  finishedAtMs: 0,
  exitCode: 0,
  image: "web",
  imageRef: "",
  reason: "",
  message: "",
  labels: {},
  annotations: {},
  logPath: "",
  reportsListening: true,
  listening,
});
const event = (type: ContainerEventType, of: ContainerStatus): ContainerEvent => ({
  type,
  createdAtMs: 0,
  podUid: "u",
  cause: "",
  status: of,
});
const created = status("a", "CONTAINER_CREATED");
const running = status("a", "CONTAINER_RUNNING");
const listening = status("a", "CONTAINER_RUNNING", { 80: 80 });
const exited = status("a", "CONTAINER_EXITED");

it.each<[string, readonly ContainerStatus[], readonly ContainerEvent[], readonly ContainerStatus[]]>([
  ["an end after the list", [running], [event("CONTAINER_STOPPED_EVENT", exited)], [exited]],
  ["a start before the list", [exited], [event("CONTAINER_STARTED_EVENT", running)], [exited]],
  ["a port that came after the list", [running], [event("CONTAINER_LISTENING_EVENT", listening)], [listening]],
  ["a start before the port that is listed", [listening], [event("CONTAINER_STARTED_EVENT", running)], [listening]],
  [
    "a word about the same end that came after the list",
    [exited],
    [event("CONTAINER_STOPPED_EVENT", { ...exited, message: "last words" })],
    [{ ...exited, message: "last words" }],
  ],
  ["a container made after the list", [], [event("CONTAINER_CREATED_EVENT", created)], [created]],
  ["a container removed after the list", [exited], [event("CONTAINER_DELETED_EVENT", exited)], []],
  [
    "a container that came and went before the list",
    [],
    [event("CONTAINER_CREATED_EVENT", created), event("CONTAINER_DELETED_EVENT", exited)],
    [],
  ],
])("%s is taken into account", (_what, listed, events, expected) => expect(withNews(listed, events)).toEqual(expected));
