/** What the files of `rows/` have in common. */

/**
 * @param story which finds the mistakes, and `budget`, within how many of its seeds
 * @param seeds by the row's name: one that finds it within seconds; what is not there takes longer, or has not been found yet
 * @returns makes a row of the zoo (see `test/mutation/run.mjs`)
 */
export const rowOf =
  (story, budget, seeds = {}) =>
  (name, file, find, replace, why, also = []) => ({
    name: `zoo-${name}`,
    story,
    budget,
    ...(seeds[name] === undefined ? {} : { seed: seeds[name] }),
    file,
    find,
    replace,
    why,
    also,
  });
