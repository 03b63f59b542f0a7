/** Raft's first promise: at most one leader in a term. */
import { broken } from "./broken.ts";

export class Leaders {
  private readonly byTerm = new Map<number, string>();

  /** Errors: PROMISE_BROKEN. */
  leads(member: string, term: number): void {
    const other = this.byTerm.get(term);
    if (other !== undefined && other !== member) throw broken(`${other} and ${member} both led in term ${term}`);
    this.byTerm.set(term, member);
  }
}

/** At most one actor at a time acts as the holder of a Lease. */
export class Holders {
  private readonly holders = new Map<string, string>();

  /** Errors: PROMISE_BROKEN. `isActing`: whether an actor that has not said that it stepped down still can act. */
  begins(lease: string, actor: string, isActing: (actor: string) => boolean): void {
    const other = this.holders.get(lease);
    if (other !== undefined && other !== actor && isActing(other)) {
      throw broken(`${actor} acts as the holder of ${lease} while ${other} still does`);
    }
    this.holders.set(lease, actor);
  }

  /** The actor has stepped down, or is dead. */
  ends(actor: string): void {
    for (const [lease, holder] of this.holders) if (holder === actor) this.holders.delete(lease);
  }
}
