import type { KeptBytes } from "../../../../../protocols/kept-bytes.ts";
import { RequestMetrics } from "../../../../../actors/api-server/request-metrics.ts";
import { Metrics } from "../../../../../runtime/metrics/metrics.ts";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { Held } from "../../../../../actors/api-server/core/rest/held.ts";
import { JSON_OBJECT } from "../../../../../actors/api-server/core/rest/negotiation.ts";
import type { HttpBody } from "../../../../../actors/api-server/io/http-messages.ts";
import { jsonLine, WatchLines, WatchStream } from "../../../../../actors/api-server/io/watch-stream.ts";
import { servedAs } from "../harness/catalog.ts";

/** A client that reads nothing until it is asked to. */
class Unread implements HttpBody {
  bufferedBytes = 0;
  destroyed = false;
  private readonly drained: (() => void)[] = [];
  private readonly closed: (() => void)[] = [];

  write(bytes: Uint8Array): boolean {
    this.bufferedBytes += bytes.length;
    return false;
  }

  writeKept(bytes: KeptBytes): boolean {
    this.bufferedBytes += bytes.length;
    return false;
  }

  read(): void {
    this.bufferedBytes = 0;
    for (const listener of this.drained.splice(0)) listener();
  }

  onceDrained(listener: () => void): void {
    this.drained.push(listener);
  }

  end(): void {}

  destroy(): void {
    this.destroyed = true;
    for (const listener of this.closed.splice(0)) listener();
  }

  onClose(listener: () => void): void {
    this.closed.push(listener);
  }
}

const MAX = 1_000_000;
const large: KubernetesObject = { metadata: { resourceVersion: "1", name: "x".repeat(300_000) } };

describe("watchers that read nothing", () => {
  const held = new Held(MAX);
  const open = (): { readonly body: Unread; readonly stream: WatchStream } => {
    const body = new Unread();
    const settings = {
      served: servedAs("v1", "configmaps"),
      form: JSON_OBJECT,
      includeObject: "Object" as const,
      bufferBytesMax: MAX,
      held,
      series: new RequestMetrics(new Metrics()).watched(servedAs("v1", "configmaps").info),
      nowMs: () => 0,
    };
    return { body, stream: new WatchStream(body, new WatchLines(jsonLine), settings, () => undefined) };
  };
  const tell = async ({ stream }: ReturnType<typeof open>): Promise<void> => {
    stream.bookmark(large);
    await Promise.resolve();
  };

  it("are cut off when what waits for all of them is too much, and the others stay", async () => {
    const watchers = [open(), open(), open(), open(), open()];
    for (const watcher of watchers) await tell(watcher);
    expect(watchers.map(({ body }) => body.destroyed)).toEqual([false, false, false, true, true]);
    expect(held.bytes).toBeLessThan(MAX);
    watchers[0]?.body.read();
    const another = open();
    await tell(another);
    expect(another.body.destroyed).toBe(false);
    for (const { body } of [...watchers, another]) body.destroy();
    expect(held.bytes).toBe(0);
  });

  it("are counted with what waits for them, and not anew with each event", async () => {
    const watcher = open();
    for (const times of [1, 2, 3]) {
      await tell(watcher);
      expect([times, held.bytes]).toEqual([times, watcher.body.bufferedBytes]);
    }
    watcher.body.read();
    expect(held.bytes).toBe(0);
  });
});
