/** What a script can tell from the exit code. */
export const EXIT_CODES = {
  holds: 0,
  found: 1,
  badInput: 2,
  missed: 3,
  notDeterministic: 4,
  failsWithoutFaults: 5,
  /** The exploration's own file never comes to its end. */
  neverLoads: 6,
  /** As shells tell of SIGINT. */
  interrupted: 130,
} as const;
