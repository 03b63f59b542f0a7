/** `GET /stats/summary` of a kubelet. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { StatsSummary } from "../../../protocols/kubelet.ts";
import { summaryIn } from "../core/kinds/metrics/summary.ts";
import type { ReadStats } from "../metrics.ts";
import { answerText } from "./answer-text.ts";
import { goWords } from "./go-words.ts";
import { askKubelet, kubeletAddress, kubeletUrl } from "./kubelet-address.ts";

const PATH = "/stats/summary";
/** A node's pods are a hundred; each container takes some hundred bytes. */
const ANSWER_BYTES_MAX = 16_777_216;

export const kubeletStats: ReadStats = (node, access, timeoutMs) => {
  const address = kubeletAddress(node);
  const failed = (why: string): InkubeError =>
    new InkubeError("CONNECTION_FAILED", `Get "${kubeletUrl(address, PATH)}": ${why}`, { retryable: true });
  const read = async (): Promise<StatsSummary> => {
    const outgoing = askKubelet(address, PATH, access);
    const bounds = { bytesMax: ANSWER_BYTES_MAX, timeoutMs: Math.max(0, timeoutMs), late: "timed out" };
    const { status, body } = await answerText(outgoing, bounds).catch((error: Error) => {
      throw failed(goWords(error, { ...address, serverName: "" }));
    });
    if (status !== 200) throw failed(`status ${status}`);
    const summary = summaryIn(body);
    if (summary === undefined) throw failed("the answer is no summary");
    return summary;
  };
  return read();
};
