import { send, session } from "../../api-process.ts";
import type { Row } from "./row.ts";

const WATCHERS = 1_000;
const EVENTS = 100;
const PATH = "/api/v1/namespaces/default/configmaps";

/** Many who watch one object. */
export const watches: Row = async (api, _directory, take) => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bench" }, data: { n: "0" } };
  await send(api, { method: "POST", path: PATH, body: JSON.stringify(object) });
  const sessions = Array.from({ length: 10 }, () => session(api));
  let received = 0;
  let opened = 0;
  let onProgress: () => void = () => undefined;
  for (let index = 0; index < WATCHERS; index++) {
    const stream = sessions[index % sessions.length]!.request({
      ":path": `${PATH}?watch=true&fieldSelector=metadata.name%3Dbench`,
      authorization: `Bearer ${api.token}`,
    });
    let first = true;
    stream.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) received++;
      if (first) opened++;
      first = false;
      onProgress();
    });
  }
  const reaching = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      onProgress = () => done() && resolve();
      onProgress();
    });
  // Each watcher is told of the object that is there.
  await reaching(() => opened === WATCHERS);
  received = 0;
  const cpuBefore = api.cpuMs();
  const started = performance.now();
  for (let event = 1; event <= EVENTS; event++) {
    await send(api, {
      method: "PATCH",
      path: `${PATH}/bench`,
      body: JSON.stringify({ data: { n: String(event) } }),
      contentType: "application/merge-patch+json",
    });
  }
  await reaching(() => received >= WATCHERS * EVENTS);
  const seconds = (performance.now() - started) / 1_000;
  for (const one of sessions) one.destroy();
  take({
    name: `watch, ${WATCHERS} watchers × ${EVENTS} events`,
    value: (WATCHERS * EVENTS) / seconds,
    unit: "/s",
    recorded: 106_594,
    target: "≥ 1.5 ×",
  });
  take({
    name: "watch, CPU an event",
    value: ((api.cpuMs() - cpuBefore) * 1_000) / (WATCHERS * EVENTS),
    unit: "µs",
    recorded: 11,
  });
};
