/** What a script can tell from the exit code. */
export const EXIT_CODES = {
  holds: 0,
  found: 1,
  badInput: 2,
  missed: 3,
  notDeterministic: 4,
  failsWithoutFaults: 5,
} as const;
