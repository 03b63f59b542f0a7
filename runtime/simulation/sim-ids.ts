/** Identifiers from a seeded stream, in the shapes that the machine's have. */
import type { Ids } from "../ids.ts";
import { SUFFIX_ALPHABET } from "../ids.ts";
import type { Random } from "../random.ts";

/** nanoid's. */
const UNIQUE_ALPHABET = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";
const HEX = "0123456789abcdef";

export function simIds(random: Random): Ids {
  const draw = (alphabet: string, length: number): string => {
    let text = "";
    for (let index = 0; index < length; index++) text += alphabet[random.below(alphabet.length)];
    return text;
  };
  return {
    unique: () => draw(UNIQUE_ALPHABET, 21),
    // RFC 9562: version 4, variant 10.
    uuid: () => `${draw(HEX, 8)}-${draw(HEX, 4)}-4${draw(HEX, 3)}-${draw("89ab", 1)}${draw(HEX, 3)}-${draw(HEX, 12)}`,
    suffix: (length) => draw(SUFFIX_ALPHABET, length),
  };
}
