/** `GET /stats/summary` of a kubelet. */
import { request as httpRequest } from "node:http";
import { InkubeError } from "../../../protocols/errors.ts";
import type { StatsSummary } from "../../../protocols/kubelet.ts";
import { summaryIn } from "../core/kinds/metrics/summary.ts";
import type { ReadStats } from "../metrics.ts";
import { answerText } from "./answer-text.ts";
import { kubeletToken } from "./kubelet-token.ts";
import { goWords } from "./go-words.ts";
import { kubeletAddress } from "./pod-logs.ts";

/** A node's pods are a hundred; each container takes some hundred bytes. */
const ANSWER_BYTES_MAX = 16_777_216;

export const kubeletStats: ReadStats = (node, token, timeoutMs) => {
  const { host, port } = kubeletAddress(node);
  const failed = (why: string): InkubeError =>
    new InkubeError("CONNECTION_FAILED", `Get "http://${host}:${port}/stats/summary": ${why}`, { retryable: true });
  const read = async (): Promise<StatsSummary> => {
    const headers = { authorization: `Bearer ${kubeletToken(token, { host, port })}` };
    const outgoing = httpRequest({ host, port, path: "/stats/summary", headers });
    const bounds = { bytesMax: ANSWER_BYTES_MAX, timeoutMs: Math.max(0, timeoutMs), late: "timed out" };
    const { status, body } = await answerText(outgoing, bounds).catch((error: Error) => {
      throw failed(goWords(error, { host, port, serverName: "" }));
    });
    if (status !== 200) throw failed(`status ${status}`);
    const summary = summaryIn(body);
    if (summary === undefined) throw failed("the answer is no summary");
    return summary;
  };
  return read();
};
