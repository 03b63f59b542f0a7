import { describe, expect, it } from "vitest";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Connection } from "../../../../runtime/net.ts";
import type { EventOwner } from "../../../../runtime/simulation/event-queue.ts";
import type { SimNet } from "../../../../runtime/simulation/sim-net.ts";
import { SimNetwork } from "../../../../runtime/simulation/sim-net.ts";
import { World } from "../../../../runtime/simulation/world.ts";

const ADDRESS = { host: "127.96.0.1", port: 80 };

class Lab {
  readonly world: World = new World({ seed: 1 });
  readonly network: SimNetwork = new SimNetwork(this.world);
  readonly server: SimNet = this.network.open(this.owner());
  readonly client: SimNet = this.network.open(this.owner());

  owner(): EventOwner {
    return { alive: true, hanging: undefined, crash: (error) => this.world.fail(error) };
  }

  async do<T>(work: Promise<T>, limitMs = 10_000): Promise<T> {
    let settled = false;
    const result = work.finally(() => (settled = true));
    result.catch(() => undefined);
    await this.world.run({ untilUs: this.world.nowUs + limitMs * 1_000, until: () => settled });
    if (!settled) throw new Error("it never ended");
    return result;
  }

  run(ms: number): Promise<void> {
    return this.world.run({ untilUs: this.world.nowUs + ms * 1_000 });
  }

  async code(work: Promise<unknown>): Promise<string> {
    try {
      await this.do(work);
      return "none";
    } catch (error) {
      return hasCode(error) ? error.code : String(error);
    }
  }

  /** A connection from the client to the server, as both see it. */
  async pair(address = ADDRESS): Promise<{ readonly near: Connection; readonly far: Connection }> {
    let far: Connection | undefined;
    const listener = await this.do(this.server.listen(address, (connection) => (far = connection)));
    const near = await this.do(this.client.connect(listener.address, { timeoutMs: 1_000 }));
    await this.run(1);
    await listener.close();
    return { near, far: far! };
  }
}

/** Everything that happens to a connection, as text. */
function record(connection: Connection): string[] {
  const log: string[] = [];
  connection.onData((bytes) => log.push(new TextDecoder().decode(bytes)));
  connection.onEnd(() => log.push("<end>"));
  connection.onClose((error) => log.push(hasCode(error) ? `<${error.code}>` : "<close>"));
  return log;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("SimNet", () => {
  it("lets both sides talk, and one side finish before the other", async () => {
    const lab = new Lab();
    const { near, far } = await lab.pair();
    const [nearLog, farLog] = [record(near), record(far)];
    near.write(bytes("a"));
    near.write(bytes("b"));
    near.end();
    await lab.run(5);
    expect(farLog).toEqual(["a", "b", "<end>"]);
    far.write(bytes("c"));
    far.end();
    await lab.run(5);
    expect(nearLog).toEqual(["c", "<end>", "<close>"]);
    expect(farLog).toEqual(["a", "b", "<end>", "<close>"]);
    expect([near.remote, far.local, near.local]).toEqual([ADDRESS, ADDRESS, far.remote]);
  });

  it("keeps what arrives before anybody listens", async () => {
    const lab = new Lab();
    const { near, far } = await lab.pair();
    near.write(bytes("early"));
    near.end();
    await lab.run(5);
    const log = record(far);
    await lab.run(5);
    expect(log).toEqual(["early", "<end>"]);
  });

  it("copies what is written", async () => {
    const lab = new Lab();
    const { near, far } = await lab.pair();
    const log = record(far);
    const buffer = bytes("abc");
    near.write(buffer);
    buffer.fill(0);
    await lab.run(5);
    expect(log).toEqual(["abc"]);
  });

  it("answers a taken port and a port where nobody listens by their codes, and frees a port that is closed", async () => {
    const lab = new Lab();
    const listener = await lab.do(lab.server.listen(ADDRESS, () => undefined));
    expect(await lab.code(lab.server.listen(ADDRESS, () => undefined))).toBe("ADDRESS_IN_USE");
    await listener.close();
    expect(await lab.code(lab.client.connect(ADDRESS, { timeoutMs: 100 }))).toBe("CONNECTION_REFUSED");
    expect(await lab.code(lab.server.listen(ADDRESS, () => undefined))).toBe("none");
  });

  it("gives any free port for port 0", async () => {
    const lab = new Lab();
    const any = { host: "127.0.0.1", port: 0 };
    const [one, two] = [
      await lab.do(lab.server.listen(any, () => undefined)),
      await lab.do(lab.server.listen(any, () => undefined)),
    ];
    expect(one.address.port).toBeGreaterThan(1_024);
    expect(two.address.port).not.toBe(one.address.port);
  });

  it("tells a writer to wait while the other side does not read, and when it may go on", async () => {
    const lab = new Lab();
    const { near, far } = await lab.pair();
    let drained = 0;
    near.onDrain(() => drained++);
    let wrote = 0;
    while (near.write(new Uint8Array(1_024))) wrote++;
    expect(wrote).toBe(63);
    await lab.run(100);
    expect(drained).toBe(0);
    const log = record(far);
    await lab.run(100);
    expect(log).toHaveLength(64);
    expect(drained).toBe(1);
  });

  it("resets the connections of an actor that dies, and refuses new ones", async () => {
    const lab = new Lab();
    await lab.do(lab.server.listen({ host: "127.0.0.1", port: 81 }, () => undefined));
    const { near } = await lab.pair();
    const log = record(near);
    lab.server.close();
    await lab.run(5);
    expect(log).toEqual(["<CONNECTION_FAILED>"]);
    expect(await lab.code(lab.client.connect({ host: "127.0.0.1", port: 81 }, { timeoutMs: 100 }))).toBe(
      "CONNECTION_REFUSED",
    );
  });

  it("shows a dropped connection as an end, and breaks for whoever writes on", async () => {
    const lab = new Lab();
    const { near, far } = await lab.pair();
    const log = record(far);
    near.destroy();
    await lab.run(5);
    expect(log).toEqual(["<end>"]);
    far.write(bytes("x"));
    await lab.run(5);
    expect(log).toEqual(["<end>", "<CONNECTION_FAILED>"]);
  });

  it("times out at an address that is blocked, and delivers in order what was held back", async () => {
    const lab = new Lab();
    const { near, far } = await lab.pair();
    const log = record(far);
    lab.network.block(ADDRESS.host);
    expect(await lab.code(lab.client.connect(ADDRESS, { timeoutMs: 300 }))).toBe("DEADLINE_EXCEEDED");
    for (const text of ["1", "2", "3"]) near.write(bytes(text));
    await lab.run(1_000);
    expect(log).toEqual([]);
    near.write(bytes("4"));
    lab.network.unblock(ADDRESS.host);
    await lab.run(1_000);
    expect(log).toEqual(["1", "2", "3", "4"]);
  });

  it("splices two connections both ways with backpressure, until both have ended", async () => {
    const lab = new Lab();
    const left = await lab.pair();
    const right = await lab.pair({ host: "127.96.0.2", port: 80 });
    left.far.splice(right.far);
    const [leftLog, rightLog] = [record(left.near), record(right.near)];
    const big = new Uint8Array(200_000).fill(65);
    left.near.write(big);
    left.near.end();
    await lab.run(50);
    expect(rightLog.slice(0, -1).join("")).toHaveLength(200_000);
    expect(rightLog.at(-1)).toBe("<end>");
    right.near.write(bytes("back"));
    right.near.end();
    await lab.run(50);
    expect(leftLog).toEqual(["back", "<end>", "<close>"]);
  });

  it("breaks a spliced connection when the other one breaks", async () => {
    const lab = new Lab();
    const left = await lab.pair();
    const right = await lab.pair({ host: "127.96.0.2", port: 80 });
    left.far.splice(right.far);
    const log = record(right.near);
    const near = left.near as Connection & { reset(): void };
    near.reset();
    await lab.run(5);
    expect(log).toEqual(["<CONNECTION_FAILED>"]);
  });
});
