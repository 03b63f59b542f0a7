const FORCED_EXIT_CODE = 130;

/** Resolves at the first Ctrl-C (or SIGTERM); the second one ends the process at once. */
export function stopRequest(): Promise<void> {
  return new Promise((stop) => {
    let asked = false;
    const ask = (): void => {
      if (asked) process.exit(FORCED_EXIT_CODE);
      asked = true;
      stop();
    };
    process.on("SIGINT", ask);
    process.on("SIGTERM", ask);
  });
}
