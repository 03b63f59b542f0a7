/** `pods/log`: read from the kubelet of the pod's node, as it comes. */
import { statusError } from "../../../protocols/api-server.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { badRequest, failure, internalError, notFound } from "../core/machinery/status.ts";
import type { LogOptions } from "../core/rest/log-options.ts";
import { checkProxyable } from "../core/rest/proxied-address.ts";
import type { KubeletAccess } from "../metrics.ts";
import { containerOf } from "../core/rest/streaming.ts";
import { goWords } from "./go-words.ts";
import { askKubelet, kubeletAddress, kubeletUrl } from "./kubelet-address.ts";
import type { HttpAnswer } from "./http-messages.ts";
import { pour } from "./http-messages.ts";
import { refuseUpgrade } from "./upgrades.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** The kubelet's refusals are short. */
const REFUSAL_BYTES_MAX = 4_096;

export function streamLogs(
  pod: Pod,
  node: Node | undefined,
  access: KubeletAccess,
  asked: { readonly container: string | undefined; readonly options: LogOptions },
  answer: HttpAnswer,
): Promise<void> {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const nodeName = pod.spec?.nodeName;
  const container = containerOf(pod, asked.container);
  if (!nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  if (node === undefined) throw notFound({ group: "", resource: "nodes" }, nodeName);
  const address = kubeletAddress(node);
  checkProxyable(address.host);
  const parameters = Object.entries(asked.options)
    .map(([option, value]) => `${option}=${encodeURIComponent(value)}`)
    .join("&");
  const path = `/containerLogs/${[namespace, name, container].map(encodeURIComponent).join("/")}?${parameters}`;
  return new Promise((resolve, reject) => {
    const outgoing = askKubelet(address, path, access);
    const connecting = setTimeout(
      () => outgoing.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })),
      CONNECT_TIMEOUT_MS,
    );
    const failed = (error: Error): void => {
      clearTimeout(connecting);
      reject(internalError(`Get "${kubeletUrl(address, path)}": ${goWords(error, { ...address, serverName: "" })}`));
    };
    outgoing.on("error", failed);
    refuseUpgrade(outgoing, failed);
    outgoing.on("response", (incoming) => {
      clearTimeout(connecting);
      if (incoming.statusCode !== 200) {
        readRefusal(incoming, (text) => reject(refusal(incoming.statusCode ?? 500, text)));
        return;
      }
      const body = answer.open(200, { "content-type": "text/plain", "cache-control": "no-cache, private" });
      body.onClose(() => outgoing.destroy());
      pour(incoming, body);
      resolve();
    });
    outgoing.end();
  });
}

function readRefusal(incoming: NodeJS.ReadableStream, done: (text: string) => void): void {
  let text = "";
  incoming.on("data", (chunk: Buffer) => {
    if (text.length < REFUSAL_BYTES_MAX) text += chunk.toString("utf8");
  });
  incoming.on("end", () => done(text.slice(0, REFUSAL_BYTES_MAX)));
  incoming.on("error", () => done(text));
}

function refusal(code: number, text: string): Error {
  const reason = code === 404 ? "NotFound" : code === 400 ? "BadRequest" : "InternalError";
  // A node may say of itself that its kubelet is any server.
  const own = code >= 400 && code < 600 ? code : 500;
  return statusError(failure(own, reason, text === "" ? `the kubelet answered ${code}` : text.trim()));
}
