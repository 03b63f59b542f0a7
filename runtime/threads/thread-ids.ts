/** Identifiers and random numbers of the machine. */
import { randomUUID } from "node:crypto";
import { customAlphabet, nanoid } from "nanoid";
import type { Ids } from "../ids.ts";
import { SUFFIX_ALPHABET } from "../ids.ts";
import type { Random } from "../random.ts";

export function threadIds(): Ids {
  const suffix = customAlphabet(SUFFIX_ALPHABET);
  return { unique: () => nanoid(), uuid: () => randomUUID(), suffix: (length) => suffix(length) };
}

export function threadRandom(): Random {
  return { next: () => Math.random(), below: (bound) => Math.floor(Math.random() * bound) };
}
