/**
 * Which protocol a client and we speak on a connection that has been upgraded.
 * Source: k8s.io/apimachinery `pkg/util/remotecommand`, k8s.io/streaming `wsstream`, KEP-4006.
 */

/** How a stream of a connection is known: by a number in front of each message, or as a stream of SPDY with headers of its own. */
export interface Protocol {
  readonly carrier: "websocket" | "spdy" | "tunnel";
  /** As it was asked for: what the answer names. "": of a WebSocket that named none. */
  readonly name: string;
  /** 1 to 5: what is said at the end, and how. Of `portforward` always 4. */
  readonly version: number;
  readonly isBase64: boolean;
}

export type Purpose = "exec" | "attach" | "portForward";

const WEBSOCKET_COMMAND = ["", "channel.k8s.io", "base64.channel.k8s.io"];
const WEBSOCKET_V4 = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"];
const WEBSOCKET_V5 = "v5.channel.k8s.io";
const TUNNEL = "SPDY/3.1+portforward.k8s.io";
const SPDY_COMMAND = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
const SPDY_FORWARD = ["portforward.k8s.io"];

const WEBSOCKET: Readonly<Record<Purpose, readonly string[]>> = {
  exec: [...WEBSOCKET_COMMAND, ...WEBSOCKET_V4, WEBSOCKET_V5],
  attach: [...WEBSOCKET_COMMAND, ...WEBSOCKET_V4, WEBSOCKET_V5],
  portForward: [TUNNEL, "", ...WEBSOCKET_V4],
};
const SPDY: Readonly<Record<Purpose, readonly string[]>> = {
  exec: SPDY_COMMAND,
  attach: SPDY_COMMAND,
  portForward: SPDY_FORWARD,
};

/** @param asked in the order of the client's liking; it is its first that we speak, or a message why there is none */
export function webSocketProtocol(purpose: Purpose, asked: readonly string[]): Protocol | string {
  const supported = WEBSOCKET[purpose];
  const name = (asked.length === 0 ? [""] : asked).find((each) => supported.includes(each));
  if (name === undefined) return refusal(asked, supported);
  if (name === TUNNEL) return { carrier: "tunnel", name, version: 4, isBase64: false };
  const version = name === WEBSOCKET_V5 ? 5 : purpose === "portForward" || WEBSOCKET_V4.includes(name) ? 4 : 1;
  return { carrier: "websocket", name, version, isBase64: name.includes("base64") };
}

/** As `webSocketProtocol`. Who names none speaks the oldest. */
export function spdyProtocol(purpose: Purpose, asked: readonly string[]): Protocol | string {
  const supported = SPDY[purpose];
  const name = asked.length === 0 ? supported.at(-1) : asked.find((each) => supported.includes(each));
  if (name === undefined) return refusal(asked, supported);
  const version = purpose === "portForward" ? 4 : Number(/^v(\d)\./.exec(name)?.[1] ?? 1);
  return { carrier: "spdy", name, version, isBase64: false };
}

function refusal(asked: readonly string[], supported: readonly string[]): string {
  const told = supported.map((name) => JSON.stringify(name)).join(", ");
  return `requested protocol(s) are not supported: ${JSON.stringify(asked)}; supports ${told}`;
}
