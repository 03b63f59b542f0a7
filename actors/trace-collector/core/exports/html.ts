/**
 * A record as one page that needs nothing else and reaches nothing: its script and style stand in it and are the only ones that
 * run there, by their hashes. See `page/` for what it does.
 */

export interface PageParts {
  /** The record, as `packed` and deflated (raw), in base 64. */
  readonly record: string;
  /** What the page is called. */
  readonly title: string;
  readonly script: Part;
  readonly style: Part;
}

interface Part {
  readonly text: string;
  /** Of the text: SHA-256 in base 64. */
  readonly sha256: string;
}

export function* htmlOf({ record, title, script, style }: PageParts): Iterable<string> {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${script.sha256}'`,
    `style-src 'sha256-${style.sha256}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  yield `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${policy}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="generator" content="inkube"/>
<title>${escaped(title)}</title>
<style>${style.text}</style>
</head>
<body>
<script type="text/plain" id="record">`;
  yield record;
  yield `</script>
<script>${script.text}</script>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
