/** Which tokens can stand where, and what messages call them. Source: cel-go `parser/gen/CEL.g4`; the words are those of ANTLR. */
import type { Token } from "./tokens.ts";

export const STARTS: string =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
export const STARTS_OR_END: string = STARTS.replace("'(', ", "'(', ')', ");
export const STARTS_OF_INDEX: string = STARTS.replace("'!', ", "'!', '?', ");
export const STARTS_OF_FIELD: string = "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}";
const START_SIGNS: ReadonlySet<string> = new Set(["[", "{", "(", ".", "-", "!"]);

/** Whether an expression can begin with it. */
export function isStart({ is, text }: Token): boolean {
  switch (is) {
    case "sign":
      return START_SIGNS.has(text);
    case "word":
      return text !== "in";
    case "end":
    case "escaped":
      return false;
    case "bytes":
    case "float":
    case "identifier":
    case "int":
    case "string":
    case "uint":
      return true;
  }
}

export function isSign({ is, text }: Token, sign: string): boolean {
  return (is === "sign" || is === "word") && text === sign;
}

export function isStartOrEnd(token: Token): boolean {
  return isStart(token) || isSign(token, ")");
}

export function isStartOfIndex(token: Token): boolean {
  return isStart(token) || isSign(token, "?");
}

export function isStartOfField(token: Token): boolean {
  return token.is === "identifier" || token.is === "escaped" || ["?", "}", ","].some((sign) => isSign(token, sign));
}
export function noViable({ is, text }: Token): string {
  return `Syntax error: no viable alternative at input '.${is === "end" ? "" : text}'`;
}
