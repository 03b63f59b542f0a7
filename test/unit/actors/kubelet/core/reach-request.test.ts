/** Source: kubelet `pkg/kubelet/server/server.go`, CRI streaming `remotecommand/exec.go`. */
import { describe, expect, it } from "vitest";
import { parseReachRequest, purposeOf } from "../../../../../actors/kubelet/core/reach-request.ts";

const parse = (path: string, isWebSocket = false): ReturnType<typeof parseReachRequest> => {
  const url = new URL(path, "http://kubelet");
  return parseReachRequest(url.pathname.split("/").slice(1), url.searchParams, isWebSocket);
};

describe("the paths of the streaming endpoints", () => {
  it("name the container, the command and the streams", () => {
    expect(parse("/exec/ns/pod/main?command=ls&command=-l&input=1&output=1&error=1")).toEqual({
      purpose: "exec",
      namespace: "ns",
      pod: "pod",
      container: "main",
      command: ["ls", "-l"],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    });
  });

  it("have no error stream beside a terminal", () => {
    expect(parse("/attach/ns/pod/main?output=1&error=1&tty=1")).toMatchObject({ stderr: false, tty: true });
  });

  it("name ports for clients that can't do so later", () => {
    expect(parse("/portForward/ns/pod?port=80,81&port=82", true)).toMatchObject({ ports: [80, 81, 82] });
    expect(parse("/portForward/ns/pod")).toMatchObject({ ports: [] });
  });

  it.each([
    ["/exec/ns/pod/main?command=ls", "you must specify at least 1 of stdin, stdout, stderr"],
    ["/exec/ns/pod?output=1", "404 page not found"],
    ["/exec/ns/pod/main/more?output=1", "404 page not found"],
    ["/portForward/ns/pod/main", "404 page not found"],
    ["/portForward/ns/pod?port=0", "invalid port"],
    ["/elsewhere/ns/pod", "404 page not found"],
  ])("%s is refused", (path, words) => {
    expect(parse(path)).toBe(words);
  });

  it("of a WebSocket that names no port are refused", () => {
    expect(parse("/portForward/ns/pod", true)).toBe('query parameter "port" is required');
  });
});

it("a purpose is told by the first part of a path alone", () => {
  expect([purposeOf("/exec/a"), purposeOf("/portForward/a/b"), purposeOf("/toString/a"), purposeOf("/")]).toEqual([
    "exec",
    "portForward",
    undefined,
    undefined,
  ]);
});
