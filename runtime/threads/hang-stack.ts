/**
 * Where a thread is that does not come back to its event loop: V8's inspector can interrupt it between two instructions
 * of JavaScript. In a native call there is no such place, and nothing is found.
 */
import { Session } from "node:inspector";
import { DROP_CONNECTIONS } from "./connections.ts";
import { clearTimeout, setTimeout } from "./machine-clock.ts";

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number };
}

interface InspectorMessage {
  /** Of the request that is answered. */
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly callFrames?: readonly CallFrame[]; readonly scriptId?: string; readonly url?: string };
}

/** What is asked, in this order. */
const [ENABLE, PAUSE, DROP, RESUME, DISABLE] = [1, 2, 3, 4, 5];

/** Deep recursion has thousands of frames; the innermost tell. */
const FRAMES_MAX = 32;

/**
 * The stack of thread `threadId`, as an error's `stack` writes it; undefined when it can't be had within `timeoutMs`, or within
 * `answeringMs` where the thread answers at all: on a busy machine it is a while between its first word and its last.
 * It is about to be ended, so its connections are dropped. It runs on afterwards, and the debugger is detached: a paused thread
 * can't be terminated.
 */
export function hangStack(
  threadId: number,
  timeoutMs: number,
  answeringMs: number = timeoutMs,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const session = new Session();
    let sessionId: string | undefined;
    let isOver = false;
    const send = (id: number, method: string, params: object = {}): void => {
      session.post("NodeWorker.sendMessageToWorker", { sessionId, message: JSON.stringify({ id, method, params }) });
    };
    const finish = (found: string | undefined): void => {
      // What has come from the thread meanwhile is told in the midst of a post.
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      if (sessionId !== undefined) {
        send(RESUME, "Debugger.resume");
        send(DISABLE, "Debugger.disable");
      }
      session.post("NodeWorker.disable");
      session.disconnect();
      resolve(found);
    };
    let stack: string | undefined;
    /** By script; frames themselves name none in V8 11. */
    const urls = new Map<string | undefined, string>();
    let timer = setTimeout(() => finish(stack), timeoutMs);
    let answers = false;
    session.connect();
    session.on("NodeWorker.attachedToWorker", ({ params }) => {
      // `workerId` is a count of the session's own; only the title names the thread.
      if (!params.workerInfo.title.startsWith(`[worker ${threadId}]`)) {
        session.post("NodeWorker.detach", { sessionId: params.sessionId });
        return;
      }
      sessionId = params.sessionId;
      send(ENABLE, "Debugger.enable");
      send(PAUSE, "Debugger.pause");
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId !== sessionId) return;
      if (!answers && !isOver) {
        answers = true;
        clearTimeout(timer);
        timer = setTimeout(() => finish(stack), answeringMs);
      }
      const { id, method, params: told } = JSON.parse(params.message) as InspectorMessage;
      if (method === "Debugger.scriptParsed") urls.set(told?.scriptId, told?.url ?? "");
      else if (method === "Debugger.paused") {
        stack = formatFrames(told?.callFrames ?? [], urls);
        send(DROP, "Runtime.evaluate", { expression: `globalThis.${DROP_CONNECTIONS}?.()` });
      } else if (id === DROP) finish(stack);
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  });
}

function formatFrames(frames: readonly CallFrame[], urls: ReadonlyMap<string | undefined, string>): string {
  return frames
    .slice(0, FRAMES_MAX)
    .map(({ functionName, url, location }) => {
      const place = `${url || (urls.get(location.scriptId) ?? "")}:${location.lineNumber + 1}:${location.columnNumber + 1}`;
      return functionName === "" ? `    at ${place}` : `    at ${functionName} (${place})`;
    })
    .join("\n");
}
