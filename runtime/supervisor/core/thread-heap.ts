/**
 * Heap limit of a thread that actors share, from what each of them asks (`ChildSpec.heapLimitMb`): the sum when all of
 * them give a limit. With one that gives none the thread has the default, or the sum of the others when that is more.
 * So an actor never has less than it asks for, and the order in which they start does not matter.
 *
 * `defaultMb` is about what a thread without a limit has. Undefined: leave the limit to that default.
 */
export function heapLimitOfThread(limitsMb: readonly (number | undefined)[], defaultMb: number): number | undefined {
  const given = limitsMb.filter((limitMb) => limitMb !== undefined);
  const sumMb = given.reduce((sum, limitMb) => sum + limitMb, 0);
  if (given.length < limitsMb.length && sumMb <= defaultMb) return undefined;
  return given.length === 0 ? undefined : sumMb;
}
