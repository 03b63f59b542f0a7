import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LastCauses } from "../../../../../actors/cluster/cli/last-causes.ts";
import { explain } from "../../../../../actors/trace-collector/core/why.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { recordOf } from "../../../../fixtures/trace-lines.ts";

const metadata = { name: "a", namespace: "default" };
const waits = (reason: string): Pod => ({
  metadata,
  status: {
    containerStatuses: [
      { name: "c", ready: false, restartCount: 0, image: "", imageID: "", state: { waiting: { reason } } },
    ],
  },
});

describe("the last causes", () => {
  const asked: string[] = [];
  const lines: string[] = [];
  let crashes = 1;
  let causes: LastCauses;

  beforeEach(() => {
    vi.useFakeTimers();
    asked.length = lines.length = 0;
    crashes = 1;
    const why = async (ref: string): ReturnType<ConstructorParameters<typeof LastCauses>[0]> => {
      asked.push(ref);
      const failed = Array.from(
        { length: crashes },
        () => "kubelet container.failed pods/default/a container=c code=X error=no <- api#1",
      );
      return explain(recordOf("api request.create pods/default/a user=ann", ...failed), ref);
    };
    causes = new LastCauses(why, (line) => void lines.push(line));
  });
  afterEach(() => {
    causes.close();
    vi.useRealTimers();
  });

  it("are asked for once of what turns bad, and told once while it is for the same cause", async () => {
    causes.podChanged("modified", waits("ErrImagePull"));
    causes.podChanged("modified", waits("ImagePullBackOff"));
    await vi.runAllTimersAsync();
    expect(asked).toEqual(["pods/default/a"]);
    expect(lines).toEqual([
      "00:00:02 a does not start: its container c failed once: no (X); ann asked to create pods/default/a 1.0 s before.",
    ]);
    crashes = 2;
    causes.podChanged("modified", waits("ErrImagePull"));
    await vi.runAllTimersAsync();
    expect([asked.length, lines.length]).toEqual([2, 1]);
  });

  it("are not asked for of what passes by itself, nor when nobody looks any more", async () => {
    causes.podChanged("modified", waits("ContainerCreating"));
    causes.nodeChanged("modified", {
      metadata: { name: "n" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    });
    causes.nodeChanged("modified", {
      metadata: { name: "n" },
      status: { conditions: [{ type: "Ready", status: "Unknown" }] },
    });
    causes.close();
    await vi.runAllTimersAsync();
    expect(asked).toEqual([]);
  });

  it("pass over what the record does not have", async () => {
    causes.ask("pods/default/other");
    await vi.runAllTimersAsync();
    expect([asked, lines]).toEqual([["pods/default/other"], []]);
  });
});
