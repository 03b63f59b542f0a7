/**
 * A controller under test that is a function, in this process, as one more client of a real cluster. A crash leaves whatever it
 * waits for unsettled, so that its code does not run on. It can't be paused: its thread is everybody's.
 */
import { InkubeError } from "../../../../protocols/errors.ts";
import type { EmbeddedPeer } from "../../../../runtime/threads/embedded-peer.ts";
import type { StartedController } from "../controller.ts";
import { envOf } from "../controller.ts";
import type { Body, Incarnation, Listener } from "./incarnation.ts";

export class InProcess implements Body {
  private readonly controller: StartedController;
  private readonly join: (onCrash: (error: unknown) => void) => EmbeddedPeer;
  private readonly apiServers: readonly string[];
  private readonly kubeconfig: string;

  constructor(
    controller: StartedController,
    join: (onCrash: (error: unknown) => void) => EmbeddedPeer,
    apiServers: readonly string[],
    kubeconfig: string,
  ) {
    this.controller = controller;
    this.join = join;
    this.apiServers = apiServers;
    this.kubeconfig = kubeconfig;
  }

  begin(listener: Listener): Incarnation {
    const peer = this.join((error) => {
      const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      listener.ended(
        new InkubeError("CONTROLLER_FAILED", `the controller ${peer.name} threw ${text}`, { cause: error }),
      );
    });
    const context = { ...peer.context, options: { apiServers: this.apiServers } };
    context.spawn(async () => this.controller.start(envOf(context, this.kubeconfig)));
    return { kill: () => peer.die(), pause: () => undefined, resume: () => undefined, gone: Promise.resolve() };
  }

  async close(): Promise<void> {
    // Its last incarnation has ended.
  }
}
