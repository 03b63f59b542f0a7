/**
 * Takes a slot of loopback addresses for a cluster. The lock is a listening socket on an address of the slot, so it is
 * free again when its process is gone, however it went. A data directory keeps its slot, because the addresses of its
 * Services are in it.
 */
import { randomInt } from "node:crypto";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { InkubeError } from "../../../protocols/errors.ts";
import { SLOTS } from "../addresses.ts";
import type { DataDirectory } from "./data-directory.ts";

const FILE = "address-slot";
const LOCK_PORT = 6443;

export interface AddressSlot {
  readonly slot: number;
  release(): void;
}

/** `wanted`: the slot to take where it is free and the directory has none. Errors: ADDRESSES_IN_USE. */
export async function takeSlot(directory: DataDirectory, wanted?: number): Promise<AddressSlot> {
  const kept = directory.read(FILE);
  if (kept !== undefined) {
    const slot = Number(kept);
    const lock = await lockSlot(slot);
    if (lock !== "taken") return taken(slot, lock);
    throw new InkubeError(
      "ADDRESSES_IN_USE",
      `the addresses of ${directory.path} (slot ${slot}) are in use by another cluster on this machine; stop that one first. ` +
        "A copy of a data directory keeps the addresses of its Services, so it can't run beside the original",
      { retryable: true },
    );
  }
  // Clusters that keep nothing take the first free slot; the others begin anywhere, or each would meet another in its slot some day.
  const first = wanted ?? (directory.durable ? randomInt(SLOTS) : 0);
  for (let step = 0; step < SLOTS; step++) {
    const slot = (first + step) % SLOTS;
    const lock = await lockSlot(slot);
    if (lock === "taken") continue;
    directory.write(FILE, `${slot}\n`);
    return taken(slot, lock);
  }
  throw new InkubeError("ADDRESSES_IN_USE", `${SLOTS} clusters run on this machine already; stop one of them first`);
}

function taken(slot: number, lock: Server | undefined): AddressSlot {
  return { slot, release: () => void lock?.close() };
}

/** Undefined where there is nothing to lock: loopback has one address only, and clusters share it by port. */
function lockSlot(slot: number): Promise<Server | "taken" | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve("taken");
      else if (error.code === "EADDRNOTAVAIL") resolve(undefined);
      else reject(error);
    });
    server.listen({ host: `127.${192 + slot}.255.254`, port: LOCK_PORT }, () => resolve(server));
  });
}
