/** Source: k8s.io/apimachinery `pkg/util/remotecommand`, k8s.io/streaming `wsstream`. */
import { describe, expect, it } from "vitest";
import {
  spdyProtocol,
  webSocketProtocol,
} from "../../../../../../actors/container-runtime/core/streaming/negotiation.ts";
import { outcomeText, readSizes } from "../../../../../../actors/container-runtime/core/streaming/outcome.ts";

describe("the protocol of a WebSocket", () => {
  it.each([
    [["v5.channel.k8s.io", "v4.channel.k8s.io"], 5, false],
    [["v4.channel.k8s.io"], 4, false],
    [["v4.base64.channel.k8s.io"], 4, true],
    [["base64.channel.k8s.io"], 1, true],
    [["unheard.of", "v4.channel.k8s.io"], 4, false],
    [[], 1, false],
  ])("for a command is the first of %j that is known", (asked, version, isBase64) => {
    expect(webSocketProtocol("exec", asked)).toMatchObject({ carrier: "websocket", version, isBase64 });
  });

  it("for ports carries SPDY, as kubectl asks for it, or channels", () => {
    const name = "SPDY/3.1+portforward.k8s.io";
    expect(webSocketProtocol("portForward", [name])).toMatchObject({ carrier: "tunnel", name });
    expect(webSocketProtocol("portForward", ["v4.channel.k8s.io"])).toMatchObject({ carrier: "websocket" });
  });

  it("that nobody knows is refused with those that are", () => {
    expect(webSocketProtocol("exec", ["x"])).toMatch(/not supported: \["x"\]; supports .*"v5.channel.k8s.io"/);
  });
});

it("the protocol of SPDY is the first that is known, and the oldest of who names none", () => {
  expect(spdyProtocol("exec", ["v5.channel.k8s.io", "v4.channel.k8s.io"])).toMatchObject({ version: 4 });
  expect(spdyProtocol("attach", [])).toMatchObject({ name: "channel.k8s.io", version: 1 });
  expect(spdyProtocol("portForward", ["portforward.k8s.io"])).toMatchObject({ carrier: "spdy", version: 4 });
  expect(spdyProtocol("exec", ["v9.channel.k8s.io"])).toMatch(/not supported/);
});

describe("the end of a command", () => {
  it("is a Status from the fourth version on", () => {
    expect(JSON.parse(outcomeText({ exitCode: 0 }, 4))).toEqual({ metadata: {}, status: "Success" });
    expect(JSON.parse(outcomeText({ exitCode: 3 }, 5))).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "3" }] },
    });
    expect(JSON.parse(outcomeText({ exitCode: 0, fault: "no such thing" }, 4))).toMatchObject({
      reason: "InternalError",
      message: "Internal error occurred: no such thing",
      code: 500,
    });
  });

  it("is a text before that, and nothing where all went well", () => {
    expect(outcomeText({ exitCode: 0 }, 3)).toBe("");
    expect(outcomeText({ exitCode: 3 }, 1)).toMatch(/non-zero exit code: exit status 3/);
  });
});

it("of sizes that come one after the other, in pieces, the last whole one counts", () => {
  expect(readSizes('{"Width":80,"Height":24}{"Width":100,"Height":30}{"Wid')).toEqual({
    size: { columns: 100, rows: 30 },
    rest: '{"Wid',
  });
  expect(readSizes('{"Width":80')).toEqual({ size: undefined, rest: '{"Width":80' });
  expect(readSizes('{"height":24,"width":80}').size).toEqual({ columns: 80, rows: 24 });
  for (const text of ['{"Width":0,"Height":24}', '{"Width":"80","Height":24}', "{}", "{x}", "{null}"]) {
    expect(readSizes(text)).toEqual({ size: undefined, rest: "" });
  }
});
