/** Why each key of a work queue is to be worked on: what all the changes that became one turn of work were caused by. */

/** An event's name, or how to have it recorded and get its name. */
type Why = string | (() => string);

/** Of one turn; more are counted. A key that waits while thousands of changes come must not keep them all. */
const CAUSES_MAX = 8;

/** In order of arrival, each once. */
export interface Reasons {
  readonly causes: readonly Why[];
  /** Changes whose causes are not among them. */
  readonly more: number;
}

export const NO_REASONS: Reasons = { causes: [], more: 0 };

export class Causes {
  private readonly byKey = new Map<string, { readonly causes: Why[]; more: number }>();

  add(key: string, why: Why): void {
    if (why === "") return;
    const known = this.byKey.get(key);
    if (known === undefined) this.byKey.set(key, { causes: [why], more: 0 });
    else if (known.causes.includes(why)) return;
    else if (known.causes.length < CAUSES_MAX) known.causes.push(why);
    else known.more++;
  }

  addAll(key: string, { causes }: Reasons): void {
    for (const why of causes) this.add(key, why);
  }

  /** They are the next turn's. */
  take(key: string): Reasons {
    const reasons = this.byKey.get(key);
    this.byKey.delete(key);
    return reasons ?? NO_REASONS;
  }
}
