/** The group's members come and go while it serves: as etcd's clients ask for it. */
import { expect, it } from "vitest";
import type { Member } from "../../../protocols/etcd.ts";
import type { EtcdWorld as World } from "./etcd-world.ts";
import { EtcdWorld } from "./etcd-world.ts";

const members = async (world: World, index: number): Promise<readonly Member[]> =>
  (await world.host.settle(() => world.ref(index).call("memberList", {}))).members;

/** Three of them, with a fourth actor that is no member yet. */
async function grown(seed: number): Promise<World> {
  const world = new EtcdWorld(seed, {}, 3, 1);
  await world.host.start();
  for (let count = 0; count < 20; count++) await world.put(count % 3, `/k/${count}`, `${count}`);
  return world;
}

const NEW = ["http://etcd-3:2380"];

it("a learner comes, gets everything, counts for nothing until it is promoted, and then like all others", async () => {
  const world = await grown(1);
  const { host } = world;
  await expect(world.get(3, "/k/0")).rejects.toMatchObject({ code: "ETCD_OUT_OF_SERVICE" });
  const added = await host.settle(() => world.ref(1).call("memberAdd", { peerUrls: NEW, isLearner: true }));
  expect(added.member).toMatchObject({ name: "etcd-3", isLearner: true, peerUrls: NEW });
  expect(added.members).toHaveLength(4);
  const early = host.settle(() => world.ref(0).call("memberPromote", { id: added.member.id }));
  await expect(early).rejects.toMatchObject({ code: "ETCD_LEARNER_NOT_READY" });
  await host.run(4_000);
  expect(await world.get(3, "/k/19")).toBe("19");
  const { id } = (await members(world, 2)).find(({ name }) => name === "etcd-3")!;
  // With two of three voters gone, the learner makes no majority.
  const leader = await world.leader();
  const promoted = await host.settle(() => world.ref(leader).call("memberPromote", { id }));
  expect(promoted.members.map(({ isLearner }) => isLearner)).toEqual([false, false, false, false]);
  await world.put(3, "/after", "x");
  const ids = new Set((await members(world, 3)).map((member) => member.id));
  expect(ids.size).toBe(4);
  expect((await host.settle(() => world.ref(3).call("status", null))).header.memberId).toBe(id);
});

it("a member that is removed serves no more, and the others go on, also without the leader", async () => {
  for (const distance of [0, 1]) {
    const world = await grown(2 + distance);
    const { host } = world;
    const leader = await world.leader();
    const victim = (leader + distance) % 3;
    const name = world.names[victim]!;
    const { id } = (await members(world, 0)).find((member) => member.name === name)!;
    const other = (victim + 1) % 3;
    const left = await host.settle(() => world.ref(other).call("memberRemove", { id }));
    expect(left.members.map((member) => member.name)).not.toContain(name);
    await host.run(2_000);
    await expect(world.put(victim, "/b", "x")).rejects.toMatchObject({ code: "ETCD_OUT_OF_SERVICE" });
    await world.put(other, "/b", "y");
    const again = host.settle(() => world.ref(other).call("memberRemove", { id }));
    await expect(again).rejects.toMatchObject({ code: "ETCD_MEMBER_NOT_FOUND" });
    // Two are left, and both are needed.
    const rest = [0, 1, 2].filter((index) => index !== victim);
    const { id: last } = (await members(world, other)).find((member) => member.name === world.names[rest[0]!])!;
    host.hang(world.names[rest[0]!]!);
    await host.run(2_000);
    const refused = host.settle(() => world.ref(rest[1]!).call("memberRemove", { id: last }, { timeoutMs: 3_000 }));
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/NO_LEADER|NOT_ENOUGH|UNHEALTHY/) });
  }
});

it("one that was removed and is added again has another id", async () => {
  const world = await grown(5);
  const { host } = world;
  const leader = await world.leader();
  const victim = (leader + 1) % 3;
  const name = world.names[victim]!;
  const { id, peerUrls } = (await members(world, 0)).find((member) => member.name === name)!;
  await host.settle(() => world.ref(leader).call("memberRemove", { id }));
  await host.run(1_000);
  await host.settle(() => world.ref(leader).call("memberAdd", { peerUrls, isLearner: true }));
  await host.run(5_000);
  expect(await world.get(victim, "/k/19")).toBe("19");
  expect((await members(world, victim)).map((member) => member.id)).not.toContain(id);
});

it.each([
  ["no URL", ["etcd-3"], "ETCD_BAD_MEMBER_URLS"],
  ["two actors", ["http://etcd-3:2380", "http://etcd-4:2380"], "ETCD_BAD_MEMBER_URLS"],
  ["a member's", ["http://etcd-1:2380"], "ETCD_PEER_URL_EXISTS"],
] as const)("refuse what can't be: %s", async (_, peerUrls, code) => {
  const world = await grown(6);
  const refused = world.host.settle(() => world.ref(0).call("memberAdd", { peerUrls, isLearner: false }));
  await expect(refused).rejects.toMatchObject({ code });
  expect(await members(world, 0)).toHaveLength(3);
});
