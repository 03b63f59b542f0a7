import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HtmlLinks } from "../../../../../actors/api-server/core/rest/html-links.ts";

function rewritten(...pieces: readonly string[]): string {
  const links = new HtmlLinks((link) => (link.startsWith("/") ? `/p${link}` : link));
  return pieces.map((piece) => links.write(piece)).join("") + links.end();
}

describe("the links of a page", () => {
  it.each([
    ["<a href=/x>", "<a href=/p/x>"],
    [`<A HREF='/x' title="/t">`, `<A HREF='/p/x' title="/t">`],
    [`<a title="x>y" href = "/x">`, `<a title="x>y" href = "/p/x">`],
    ["<img/src=/i longdesc=/l usemap=/u/>", "<img/src=/p/i longdesc=/p/l usemap=/p/u/>"],
    ["<a href><a href=>< a href=/x>", "<a href><a href=>< a href=/x>"],
    ["</a href=/x><!a href=/x><?a href=/x>", "</a href=/x><!a href=/x><?a href=/x>"],
    ["<!--<a href=/x>--><a href=/y>", "<!--<a href=/x>--><a href=/p/y>"],
    ["<!--><a href=/y>", "<!--><a href=/p/y>"],
    [
      "<script src=/s>'<a href=/x></scripty>'</SCRIPT ><a href=/y>",
      "<script src=/p/s>'<a href=/x></scripty>'</SCRIPT ><a href=/p/y>",
    ],
    ["<constructor href=/x><abbr href=/x>", "<constructor href=/x><abbr href=/x>"],
    ["1 < 2 <a href='/x", "1 < 2 <a href='/x"],
  ])("%s become %s", (page, wanted) => expect(rewritten(page)).toBe(wanted));

  const markup = fc.constantFrom(
    ...[
      "<",
      ">",
      "</",
      "<!--",
      "-->",
      "=",
      '"',
      "'",
      " ",
      "/",
      "a",
      "href",
      "<a href=",
      "script",
      "<script>",
      "</script>",
      "/x",
      "é",
    ],
  );
  it("are the same wherever the page is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(markup, { maxLength: 40 }), fc.array(fc.nat(60), { maxLength: 6 }), (parts, cuts) => {
        const page = parts.join("");
        const places = [0, ...cuts.sort((a, b) => a - b), page.length];
        const pieces = places.slice(1).map((end, i) => page.slice(places[i], end));
        expect(rewritten(...pieces)).toBe(rewritten(page));
      }),
    );
  });

  it("that stand in nothing but text are none: what comes without links is as it was", () => {
    fc.assert(
      fc.property(fc.array(markup, { maxLength: 40 }), (parts) => {
        const page = parts.join("");
        const links = new HtmlLinks((link) => link);
        expect(links.write(page) + links.end()).toBe(page);
      }),
    );
  });

  it("hold back no more of a page than a tag has: what has no end is text", () => {
    const links = new HtmlLinks(() => "?");
    expect(links.write(`<a title="${"x".repeat(20_000)}`)).toHaveLength(20_010);
    expect(links.write('" href=/y><a href=/z>')).toBe('" href=/y><a href=?>');
  });

  it("are found in time that grows with the page", () => {
    const page = `${"<a ".repeat(50_000)}>`;
    const links = new HtmlLinks(() => "?");
    const pieces = page.match(/.{1,1000}/gs) ?? [];
    expect(pieces.map((piece) => links.write(piece)).join("") + links.end()).toBe(page);
  });
});
