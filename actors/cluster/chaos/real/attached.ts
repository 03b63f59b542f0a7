/**
 * A controller under test that somebody else runs. It reaches the API through a port of this process, which passes bytes on as
 * they are: a crash breaks its connections and refuses new ones, a pause holds back whatever would arrive.
 */
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { Body, Incarnation } from "./incarnation.ts";

const HOST = "127.0.0.1";

export class Attached implements Body {
  private readonly server: Server;
  private readonly target: { readonly host: string; readonly port: number };
  private readonly sockets = new Set<Socket>();
  private isOpen = false;
  private isPaused = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.target = target;
    this.server = createServer({ pauseOnConnect: true }, (socket) => this.accept(socket));
  }

  /** `target`: where the API is. */
  static async open(target: { readonly host: string; readonly port: number }): Promise<Attached> {
    const attached = new Attached(target);
    await new Promise<void>((resolve, reject) => {
      attached.server.once("error", reject);
      attached.server.listen(0, HOST, resolve);
    });
    attached.server.unref();
    return attached;
  }

  get url(): string {
    return `https://${HOST}:${(this.server.address() as { readonly port: number }).port}`;
  }

  begin(): Incarnation {
    this.isOpen = true;
    return {
      gone: Promise.resolve(),
      kill: () => {
        this.isOpen = false;
        this.isPaused = false;
        for (const socket of this.sockets) socket.destroy();
      },
      pause: () => {
        this.isPaused = true;
        for (const socket of this.sockets) socket.pause();
      },
      resume: () => {
        this.isPaused = false;
        for (const socket of this.sockets) socket.resume();
      },
    };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }

  private accept(client: Socket): void {
    if (!this.isOpen) return void client.resetAndDestroy();
    const upstream = connect(this.target);
    this.carry(client, upstream);
    this.carry(upstream, client);
  }

  /** What comes from one end goes to the other, at its pace; and so does its end. */
  private carry(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on("data", (bytes: Buffer) => {
      if (to.write(bytes)) return;
      from.pause();
      to.once("drain", () => {
        if (!this.isPaused) from.resume();
      });
    });
    from.on("error", () => to.destroy());
    from.on("end", () => to.end());
    from.on("close", () => {
      this.sockets.delete(from);
      to.destroy();
    });
    if (this.isPaused) from.pause();
    else from.resume();
  }
}
