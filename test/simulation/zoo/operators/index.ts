/** All operators of the zoo. */
import { intermediate } from "./intermediate.ts";
import { members } from "./members.ts";
import type { Bug } from "./operator.ts";
import { repeated } from "./repeated.ts";
import { stale } from "./stale.ts";
import { together } from "./together.ts";
import { unobserved } from "./unobserved.ts";

export const BUGS: readonly Bug[] = [...intermediate, ...repeated, ...stale, ...unobserved, ...together, ...members];
