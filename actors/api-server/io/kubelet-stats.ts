/** `GET /stats/summary` of a kubelet. */
import { request as httpRequest } from "node:http";
import { InkubeError } from "../../../protocols/errors.ts";
import { summaryIn } from "../core/kinds/metrics/summary.ts";
import type { ReadStats } from "../metrics.ts";
import { kubeletAddress } from "./pod-logs.ts";
import { refuseUpgrade } from "./upgrades.ts";

/** A node's pods are a hundred; each container takes some hundred bytes. */
const ANSWER_BYTES_MAX = 16_777_216;

export const kubeletStats: ReadStats = (node, token, timeoutMs) => {
  const { host, port } = kubeletAddress(node);
  const failed = (why: string): InkubeError =>
    new InkubeError("CONNECTION_FAILED", `Get "http://${host}:${port}/stats/summary": ${why}`, { retryable: true });
  return new Promise((resolve, reject) => {
    const options = { host, port, path: "/stats/summary", headers: { authorization: `Bearer ${token}` } };
    const outgoing = httpRequest(options, (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > ANSWER_BYTES_MAX) outgoing.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      incoming.on("error", (error) => reject(failed(error.message)));
      incoming.on("end", () => {
        clearTimeout(late);
        if (incoming.statusCode !== 200) return reject(failed(`status ${incoming.statusCode ?? 0}`));
        const summary = summaryIn(Buffer.concat(chunks).toString("utf8"));
        if (summary === undefined) return reject(failed("the answer is no summary"));
        resolve(summary);
      });
    });
    const late = setTimeout(() => outgoing.destroy(new Error("timed out")), Math.max(0, timeoutMs));
    const lost = (error: Error): void => {
      clearTimeout(late);
      reject(failed(error.message));
    };
    outgoing.on("error", lost);
    refuseUpgrade(outgoing, lost);
    outgoing.end();
  });
};
