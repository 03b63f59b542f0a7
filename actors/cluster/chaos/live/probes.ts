/** One look at a steady state: whether a probe holds now, and if not, why. */
import { statusOf } from "../../../../protocols/api-server.ts";
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Service } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { publishedAddresses, publishedPlace } from "../../../../protocols/published-addresses.ts";
import type { Context } from "../../../../runtime/actor.ts";
import type { Address } from "../../../../runtime/net.ts";
import type { Client } from "../../../client/client.ts";
import { services } from "../../../client/resources.ts";
import { probeHttp } from "../../../kubelet/probe-client.ts";
import { findNamed } from "../../apply.ts";
import type { HttpProbe, Probe, ReadyProbe } from "./schedule.ts";

export interface Look {
  readonly holds: boolean;
  /** Why not. */
  readonly why: string;
}

const HOLDS: Look = { holds: true, why: "" };
const GET_TIMEOUT_MS = 1_000;

interface WithReadyReplicas extends KubernetesObject {
  readonly status?: { readonly readyReplicas?: number };
}

export class Prober {
  private readonly ctx: Context<unknown>;
  /** With a patience of its own: a look must not last as long as a fault of the API. */
  private readonly client: Client;
  /** Where Services were found last: a fault of the API is none of theirs. */
  private readonly places = new Map<string, Address>();

  constructor(ctx: Context<unknown>, client: Client) {
    this.ctx = ctx;
    this.client = client;
  }

  async look(probe: Probe): Promise<Look> {
    try {
      if ("get" in probe) return await this.get(probe.get);
      if ("ready" in probe) return await this.ready(probe.ready);
      return (await probe.holds(this.client)) ? HOLDS : { holds: false, why: "it says no" };
    } catch (error) {
      // A function of the user's may throw anything: it does not hold then.
      if (!(error instanceof InkubeError) && !("holds" in probe)) throw error;
      return {
        holds: false,
        why: statusOf(error)?.message ?? (error instanceof Error ? error.message : String(error)),
      };
    }
  }

  private async get(probe: HttpProbe): Promise<Look> {
    const { path = "/", timeoutMs = GET_TIMEOUT_MS } = probe;
    const address = await this.placeOf(probe);
    const answer = await probeHttp(this.ctx, { path, port: address.port }, address, timeoutMs);
    return answer.isSuccess ? HOLDS : { holds: false, why: answer.output };
  }

  private async placeOf({ service, port }: HttpProbe): Promise<Address> {
    const key = `${service}:${port ?? ""}`;
    const [namespace = "", name = ""] = service.split("/");
    try {
      const place = placeIn(await this.client.get(services, name, namespace), port);
      this.places.set(key, place);
      return place;
    } catch (error) {
      const known = this.places.get(key);
      if (known === undefined || statusOf(error)?.reason === "NotFound") throw error;
      return known;
    }
  }

  private async ready({ target, namespace = "default", least }: ReadyProbe): Promise<Look> {
    const [word = "", name = ""] = target.split("/");
    const resource = await findNamed(this.client, word);
    const { status }: WithReadyReplicas = await this.client.get(
      resource,
      name,
      resource.namespaced ? namespace : undefined,
    );
    const ready = status?.readyReplicas ?? 0;
    return ready >= least ? HOLDS : { holds: false, why: `${ready} of ${least} are ready` };
  }
}

/** Errors: INVALID_ARGUMENT for a Service that can't be asked at one address. */
function placeIn(service: Service, asked: number | string | undefined): Address {
  const { clusterIP, ports = [] } = service.spec ?? {};
  const name = `${service.metadata?.namespace ?? ""}/${service.metadata?.name ?? ""}`;
  if (clusterIP === undefined || clusterIP === "" || clusterIP === "None") {
    throw new InkubeError("INVALID_ARGUMENT", `the Service ${name} has no address of its own`);
  }
  const port = asked === undefined ? ports[0] : ports.find((each) => each.port === asked || each.name === asked);
  if (port === undefined) throw new InkubeError("INVALID_ARGUMENT", `the Service ${name} has no port ${asked ?? ""}`);
  return publishedPlace(publishedAddresses(service), port.port) ?? { host: clusterIP, port: port.port };
}
