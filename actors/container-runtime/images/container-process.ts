/**
 * `process` as a container on a thread sees it. A thread gets no signals, so those of the driver are raised here; and
 * `process.kill(process.pid)` must end the container, not the program that the whole cluster lives in.
 */
import type { MessagePort } from "node:worker_threads";
import type { ToContainer } from "./channel.ts";

const NUMBERS: { readonly [signal: string]: number | undefined } = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
};

/** Runs the handlers of `signal`, or ends the thread with 128 + its number when there is none. */
export function raise(signal: string): void {
  const number = NUMBERS[signal] ?? 15;
  if (signal !== "SIGKILL" && process.listenerCount(signal) > 0)
    process.emit(signal as NodeJS.Signals, signal as NodeJS.Signals);
  else process.exit(128 + number);
}

export function installContainerProcess(port: MessagePort): void {
  port.on("message", (message: ToContainer) => {
    if (message.kind === "signal") raise(message.signal);
  });
  // The port alone must not keep a finished program alive.
  port.unref();
  const { pid } = process;
  const kill = process.kill.bind(process);
  process.kill = (target: number, signal?: string | number): true => {
    // In a pod, 1 is the container's own first process.
    if (target !== pid && target !== 1) return kill(target, signal);
    if (signal !== 0) raise(typeof signal === "number" ? nameOf(signal) : (signal ?? "SIGTERM"));
    return true;
  };
}

function nameOf(number: number): string {
  return Object.keys(NUMBERS).find((name) => NUMBERS[name] === number) ?? "SIGTERM";
}
