/** Node IPAM: gives each node its own range of pod addresses. */
import { nodes } from "../../client/resources.ts";
import { nextRange } from "../core/pod-cidr.ts";
import type { Session } from "../session.ts";

export function nodeIpamController(session: Session): void {
  const { podRange, nodePodRangeBits } = session.options;
  if (podRange === "") return;
  /** Given out in this session and perhaps not seen yet. */
  const given = new Map<string, string>();
  const queue = session.queue(
    "node-ipam",
    async (name) => {
      const node = session.nodes.get(name);
      if (node === undefined || (node.spec?.podCIDR ?? "") !== "") return;
      const used = new Set(
        session.nodes
          .list()
          .flatMap(({ spec }) => spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR])),
      );
      for (const [other, range] of given) if (other !== name) used.add(range);
      const podCIDR = given.get(name) ?? nextRange(podRange, nodePodRangeBits, used);
      if (podCIDR === undefined) {
        const told = { apiVersion: "v1", kind: "Node", ...node };
        session.recorder.event(told, "Warning", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
        return;
      }
      given.set(name, podCIDR);
      await session.client.patch(nodes, name, undefined, { spec: { podCIDR, podCIDRs: [podCIDR] } });
    },
    // One at a time: two nodes must not get the same range.
    { workers: 1 },
  );
  session.nodes.onChange(({ type, object }) => {
    const name = object.metadata?.name ?? "";
    if (type === "deleted") given.delete(name);
    else if ((object.spec?.podCIDR ?? "") === "") queue.add(name);
  });
}
