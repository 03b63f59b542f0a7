/**
 * A guard before a YAML parser, which takes memory without bound for deep nesting: some thousand unclosed brackets end the
 * process. Objects of Kubernetes nest less than a tenth of the limit.
 */
const YAML_DEPTH_MAX = 500;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const DASH = 0x2d;
const QUESTION = 0x3f;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Whether brackets are open too deep, or a line begins with too much indentation and dashes. Quoted brackets count, too. */
export function isYamlTooDeep(text: string): boolean {
  let depth = 0;
  let leading = 0;
  let atStart = true;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === NEWLINE) {
      atStart = true;
      leading = 0;
    } else if (atStart && (char === SPACE || char === DASH || char === QUESTION)) {
      if (++leading > 2 * YAML_DEPTH_MAX) return true;
    } else {
      atStart = false;
      if (char === OPEN_BRACKET || char === OPEN_BRACE) {
        if (++depth > YAML_DEPTH_MAX) return true;
      } else if (char === CLOSE_BRACKET || char === CLOSE_BRACE) depth = Math.max(0, depth - 1);
    }
  }
  return false;
}
