/**
 * Tells a story from one seed after the other, until one does not hold. Bundled by `test/mutation/seeds.mjs`, with a mistake
 * or without one.
 *
 *     node PROGRAM STORY FROM TO
 *
 * A line for each seed: `held`, or what did not hold as JSON, which is the last.
 */
import { apiStory } from "./api-story.ts";
import { clusterStory } from "./cluster-story.ts";
import { etcdStory } from "./etcd-story.ts";
import { operatorStory } from "./operators/operator-story.ts";
import { raftStory } from "./raft-story.ts";

const STORIES: Readonly<Record<string, (seed: number) => void | Promise<void>>> = {
  api: apiStory,
  cluster: clusterStory,
  etcd: etcdStory,
  raft: raftStory,
};

const [name = "", from = "1", to = from] = process.argv.slice(2);
const story = STORIES[name] ?? operatorStory(name);
if (story === undefined) throw new Error(`there is no story ${name}`);
for (let seed = Number(from); seed <= Number(to); seed++) {
  try {
    await story(seed);
    console.log("held");
  } catch (error) {
    console.log(JSON.stringify({ seed, error: error instanceof Error ? error.message : String(error) }));
    break;
  }
}
