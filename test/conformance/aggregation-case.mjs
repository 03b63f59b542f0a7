// The server behind an APIService and a pod, in front of which kube-apiserver was recorded (`record-aggregation.mjs`).
import { readFileSync } from "node:fs";

/** With HOST, PREFIX and CLIENT to be filled in: the server's own place, our path to it, and ours. */
export const PAGE = readFileSync(new URL("aggregation/page.txt", import.meta.url), "utf8");

/** What the server does that a request is passed on to: by the last part of the path. */
export function answerTo(incoming, outgoing, page) {
  const { pathname, searchParams } = new URL(incoming.url, "http://x");
  const html = { "content-type": "text/html; charset=utf-8", "access-control-allow-origin": "*", "x-other": "1" };
  switch (pathname.split("/").at(-1) ?? "") {
    case "v1":
      if (incoming.headers["x-silent"] === undefined) outgoing.writeHead(200).end("{}");
      return;
    case "silent":
      return;
    case "partial":
      outgoing.writeHead(200, { "content-type": "text/plain" }).write("first\n");
      return;
    case "lasting":
    case "log":
      setTimeout(() => outgoing.writeHead(200, { "content-type": "text/plain" }).end("late\n"), 1_500);
      return;
    case "to":
      outgoing.writeHead(302, { location: searchParams.get("l"), ...html }).end('<a href="/x">');
      return;
    case "made":
      outgoing.writeHead(201, { location: "/made", "content-location": "/made", ...html }).end('<a href="/x">');
      return;
    case "page":
      outgoing.writeHead(200, html).end(page);
      return;
    case "page-404":
      outgoing.writeHead(404, html).end('<a href="/x">');
      return;
    default:
      outgoing.writeHead(200, { "content-type": "text/plain" }).end("ok");
  }
}
