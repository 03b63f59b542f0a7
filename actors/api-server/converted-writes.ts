/** Writes of objects that a webhook converts: decided in the version of the request, stored in the storage version. */
import type { Caller } from "./caller.ts";
import type { Conversions } from "./conversions.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { Fields } from "./core/kinds/rules.ts";
import { unexplained } from "./core/machinery/status.ts";
import { sameStored } from "./core/registry/write.ts";
import type { Stepped, Steps } from "./core/steps.ts";
import { resultOf } from "./core/steps.ts";
import type { KnownConversions } from "./core/webhooks/conversion.ts";
import { NotConverted, readInVersion } from "./core/webhooks/conversion.ts";
import type { Decision, Mutated, Mutations, Outcome, Write } from "./mutation.ts";

export class ConvertedWrites {
  private readonly mutations: Mutations;
  private readonly conversions: Conversions;

  constructor(mutations: Mutations, conversions: Conversions) {
    this.mutations = mutations;
    this.conversions = conversions;
  }

  /** @param write its `decide` speaks of the version that is served, and so does what is returned */
  async run(write: WriteServed, served: Served, known: KnownConversions, caller: Caller | undefined): Promise<Mutated> {
    const { deadlineMs } = write;
    const mutated = await this.mutations.run({
      ...write,
      decide: (current, taken) => this.decided(write, served, known, current, taken),
      answer: (wanted) => this.conversions.answer(known, wanted, deadlineMs, caller),
    });
    const [stored] = await this.conversions.forms(served, [mutated.stored], caller);
    if (typeof stored === "string") throw unexplained(stored);
    return { ...mutated, stored: stored as StoredObject };
  }

  private *decided(
    write: WriteServed,
    served: Served,
    known: KnownConversions,
    ...[current, taken]: Parameters<Write["decide"]>
  ): Steps<Decision> {
    try {
      const shown = current === undefined ? undefined : this.conversions.known(served, current, known);
      return toStorage(yield* resultOf(write.decide(shown, taken)), served, current, known);
    } catch (error) {
      if (error instanceof NotConverted) return { await: [error.wanted] };
      throw error;
    }
  }
}

type WriteServed = Omit<Write, "decide" | "answer"> & {
  readonly decide: (...given: Parameters<Write["decide"]>) => Stepped<Outcome>;
};

/** @param current as it is stored */
function toStorage(
  outcome: Outcome,
  { conversion }: Served,
  current: StoredObject | undefined,
  known: KnownConversions,
): Decision {
  // Of a removal the last state is shown, and nothing is stored.
  if (outcome.action !== "put" || conversion === undefined) return outcome;
  const converted = known.to(conversion, outcome.object, conversion.storageApiVersion);
  // A webhook sets no defaults; who reads it finds those of the storage version.
  const object = readInVersion(conversion)(converted) as Fields;
  const isSame =
    current !== undefined &&
    current.isCurrent &&
    current.object.apiVersion === conversion.storageApiVersion &&
    sameStored(current.object, object);
  return isSame ? { action: "keep" } : { ...outcome, object };
}
