/** TCP as an actor sees it: loopback sockets on threads, an in-memory network in the simulation. */
export interface Net {
  /** Errors: ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED. `port` 0 takes any free one. */
  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener>;
  /** Errors: CONNECTION_REFUSED, DEADLINE_EXCEEDED, and others with code CONNECTION_FAILED; all retryable. */
  connect(address: Address, options: { readonly timeoutMs: number }): Promise<Connection>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  readonly address: Address;
  /** Stops taking connections; those that are open stay. */
  close(): Promise<void>;
}

export interface Connection {
  readonly local: Address;
  readonly remote: Address;
  /** False when the caller should wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  onData(listener: (bytes: Uint8Array) => void): void;
  onDrain(listener: () => void): void;
  /** The peer has finished sending. */
  onEnd(listener: () => void): void;
  /** The connection is gone, with the reason when it broke. Called once. */
  onClose(listener: (error?: Error) => void): void;
  /** Finishes sending; receiving goes on. */
  end(): void;
  /** Drops the connection now. */
  destroy(): void;
  /** Sends everything that arrives here to `target` and the other way round, until both have ended, with backpressure. */
  splice(target: Connection): void;
}
