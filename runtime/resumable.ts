/**
 * A stream that outlives its producer: when it breaks off (the producer died, or cut the reader off), it is opened again
 * from the last token that an item carried. The method's protocol says what the tokens are (`stream({ resume })`).
 *
 * Each item comes once and in order, if the producer gives exactly what comes after a token; items after the last token
 * come again. The consumer's `end` is told of the producer's own end, of an error that asking again can't mend, and when
 * the attempts are used up.
 */
import { hasCode } from "../protocols/errors.ts";
import type {
  ItemOf,
  Methods,
  MethodsOfKind,
  Protocol,
  RequestOf,
  ResumeToken,
  StreamDefinition,
} from "../protocols/protocol.ts";
import type { Consumer, Context, Subscription } from "./actor.ts";
import type { Timer } from "./clock.ts";

export interface ResumableOptions {
  /** The first wait before asking again; doubled each time, halved to doubled by chance. A restart takes milliseconds. */
  readonly firstDelayMs: number;
  /** No wait is longer: a producer that is back is found within it. */
  readonly delayMsMax: number;
  /** Attempts in a row without an item before the consumer is told. */
  readonly attemptsMax: number;
}

export const RESUMABLE: ResumableOptions = { firstDelayMs: 5, delayMsMax: 500, attemptsMax: 100 };

/** Breaks that the same request after a while may not meet again. */
const RESUMED_AFTER = ["ACTOR_DOWN", "STREAM_OVERRUN", "MAILBOX_FULL"];

export function resumable<M extends Methods, K extends MethodsOfKind<M, "stream">>(
  ctx: Pick<Context, "ref" | "clock" | "random">,
  source: { readonly protocol: Protocol<M>; readonly actor: string; readonly method: K },
  request: RequestOf<M[K]>,
  consumer: Consumer<ItemOf<M[K]>>,
  options: ResumableOptions = RESUMABLE,
): Subscription {
  const definition = source.protocol.methods[source.method] as unknown as StreamDefinition;
  const { resume } = definition;
  if (resume === undefined) throw new Error(`${source.protocol.name}.${source.method} has no resume tokens`);
  const ref = ctx.ref(source.protocol, source.actor);
  let token: ResumeToken | undefined;
  let attempts = 0;
  let subscription: Subscription | undefined;
  let timer: Timer | undefined;
  let canceled = false;

  const open = (): void => {
    attempts++;
    const from = (token === undefined ? request : resume.from(request, token)) as RequestOf<M[K]>;
    subscription = ref.stream(source.method, from, {
      next: (item) => {
        attempts = 0;
        const handled = consumer.next(item);
        token = resume.token(item) ?? token;
        return handled;
      },
      end: (error) => {
        if (canceled) return;
        if (!hasCode(error, ...RESUMED_AFTER) || attempts >= options.attemptsMax) return consumer.end(error);
        const delayMs = Math.min(options.delayMsMax, options.firstDelayMs * 2 ** Math.min(attempts, 30));
        timer = ctx.clock.after(delayMs * (0.5 + ctx.random.next()), open);
      },
    });
  };
  open();
  return {
    cancel: () => {
      canceled = true;
      timer?.cancel();
      subscription?.cancel();
    },
  };
}
