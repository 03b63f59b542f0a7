/** HTML pages whose links are rewritten as they pass. */
import type { Readable } from "node:stream";
import { pipeline, Transform } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";
import { HtmlLinks } from "../core/rest/html-links.ts";

/** Undefined when nothing is rewritten: it is no HTML, or in a coding other than gzip. */
export function withLinks(
  incoming: Readable,
  headers: Readonly<Record<string, readonly string[]>>,
  rewrite: (link: string) => string,
): Readable | undefined {
  const [type = ""] = headers["content-type"] ?? [];
  const [coding = ""] = headers["content-encoding"] ?? [];
  if (!/^\s*text\/html\s*(?:;|$)/i.test(type)) return undefined;
  const links = linksOf(rewrite);
  switch (coding.trim().toLowerCase()) {
    case "":
    case "identity":
      return pipeline(incoming, links, ignore);
    case "gzip":
      return pipeline(incoming, createGunzip(), links, createGzip(), ignore);
  }
  return undefined;
}

/** Byte by byte, as which UTF-8 and all that looks like ASCII can be read. */
function linksOf(rewrite: (link: string) => string): Transform {
  const links = new HtmlLinks(rewrite);
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) =>
      done(null, Buffer.from(links.write(chunk.toString("latin1")), "latin1")),
    flush: (done) => done(null, Buffer.from(links.end(), "latin1")),
  });
}

/** Who reads the last of several streams is told of what goes wrong with any. */
function ignore(): void {}
