/** gRPC's own health checks. Source: grpc/grpc `doc/health-checking.md`. */
import { GRPC } from "../../../protocols/etcd-wire/grpc.ts";
import { ENUMS } from "../../../protocols/etcd-wire/tables.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Services } from "./calls.ts";
import { status } from "./calls.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ENUMS.ServingStatus;
/** How often those are told who watch. */
const LOOK_MS = 1_000;

/** Of the member as a whole, which is what etcd tells of. */
export function healthServices(isServing: () => boolean, clock: Clock): Services {
  const told = (): number => (isServing() ? SERVING : NOT_SERVING);
  return {
    "/grpc.health.v1.Health/Check": ({ service }) => {
      if (service !== "") throw status(GRPC.NOT_FOUND, "unknown service");
      return { status: told() };
    },
    "/grpc.health.v1.Health/Watch": async ({ service }, stream) => {
      let last = -1;
      while (!stream.signal.aborted) {
        const now = service === "" ? told() : SERVICE_UNKNOWN;
        if (now !== last) stream.send({ status: now });
        last = now;
        await clock.sleep(LOOK_MS);
      }
    },
  };
}
