/** What a path of the kubelet's streaming endpoints asks for. Source: kubelet `pkg/kubelet/server/server.go`, CRI streaming `remotecommand/exec.go`. */
import type { StreamOptions } from "../../../protocols/container-runtime.ts";

/** Who wants to reach into a container, or connect to a pod's ports. */
export type ReachRequest =
  | (StreamOptions & {
      readonly purpose: "exec" | "attach";
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      /** Of `exec`. */
      readonly command: readonly string[];
    })
  | {
      readonly purpose: "portForward";
      readonly namespace: string;
      readonly pod: string;
      readonly ports: readonly number[];
    };

const PURPOSES: Readonly<Record<string, ReachRequest["purpose"]>> = {
  exec: "exec",
  attach: "attach",
  portForward: "portForward",
};
const PORT_MAX = 65_535;

/** The purpose that a path is for; undefined for any other. */
export function purposeOf(pathname: string): ReachRequest["purpose"] | undefined {
  const name = pathname.split("/")[1] ?? "";
  return Object.hasOwn(PURPOSES, name) ? PURPOSES[name] : undefined;
}

/** Of the query. */
export interface Parameters {
  get(name: string): string | null;
  getAll(name: string): readonly string[];
}

/**
 * The request; or in words why it is none.
 * @param segments of the path, decoded: the purpose, the namespace, the pod, for commands the container, each once
 * @param isWebSocket of which clients say beforehand to which ports they connect
 */
export function parseReachRequest(
  segments: readonly string[],
  query: Parameters,
  isWebSocket: boolean,
): ReachRequest | string {
  const [kind = "", namespace = "", pod = "", container = "", ...rest] = segments;
  const purpose = purposeOf(`/${kind}`);
  const isForward = purpose === "portForward";
  const isWhole = namespace !== "" && pod !== "" && rest.length === 0 && (container === "") === isForward;
  if (purpose === undefined || !isWhole) return "404 page not found";
  if (purpose === "portForward") {
    const ports = query
      .getAll("port")
      .flatMap((text) => text.split(","))
      .map(Number);
    if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > PORT_MAX)) return "invalid port";
    if (isWebSocket && ports.length === 0) return 'query parameter "port" is required';
    return { purpose, namespace, pod, ports };
  }
  const flag = (name: string): boolean => query.get(name) === "1";
  const tty = flag("tty");
  const [stdin, stdout, stderr] = [flag("input"), flag("output"), flag("error") && !tty];
  if (!stdin && !stdout && !stderr) return "you must specify at least 1 of stdin, stdout, stderr";
  return { purpose, namespace, pod, container, command: query.getAll("command"), stdin, stdout, stderr, tty };
}
