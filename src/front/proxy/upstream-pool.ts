// Connections to upstreams: dials them, keeps the idle ones for the next request, lets the stale ones go.
import { connect, type Socket } from "node:net";
import type { Upstream } from "./door.ts";

/** Who reads a connection now. */
export type Receiver = {
  /** A new connection is there. */
  connected(): void;
  /** `bytes` are overwritten after the call: what is kept must be copied. */
  received(bytes: Buffer): void;
  /** The upstream will send no more. */
  ended(): void;
  /** The last call. `error` is the system error, if there was one. */
  closed(error: Error | undefined): void;
  drained(): void;
};

export type UpstreamPool = {
  /** An idle connection, or a new one. `recent`: only one whose last use was a moment ago, which its server kept. */
  acquire(upstream: Upstream, receiver: Receiver, recent: boolean): UpstreamConnection;
  dial(upstream: Upstream, receiver: Receiver): UpstreamConnection;
  /** Gives back a connection whose last response is complete. */
  release(connection: UpstreamConnection): void;
  /** Ends the idle connections there. */
  forget(upstream: Upstream): void;
  close(): void;
};

const sweepMs = 250;
const idleSweeps = 60;
/** Half a second: servers keep a connection for 2 s at the least (gunicorn; 5 s: Node, uvicorn, Apache). */
const recentSweeps = 1;
const idleLimit = 256;

export function createUpstreamPool(connectMs: number): UpstreamPool {
  const idle = new Map<string, UpstreamConnection[]>();
  const open = new Set<UpstreamConnection>();
  let sweeps = 0;
  let sweeper: NodeJS.Timeout | undefined;
  const sweep = () => {
    sweeps += 1;
    for (const [key, connections] of idle) {
      while (connections[0] && sweeps - connections[0].idleSince >= idleSweeps)
        connections.shift()?.destroy();
      if (connections.length === 0) idle.delete(key);
    }
    if (idle.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  };

  const dial = (upstream: Upstream, receiver: Receiver): UpstreamConnection => {
    const connection = new UpstreamConnection(upstream, connectMs, () => {
      open.delete(connection);
      const others = idle.get(connection.key);
      const at = others?.indexOf(connection) ?? -1;
      if (at >= 0) others?.splice(at, 1);
    });
    connection.receiver = receiver;
    open.add(connection);
    return connection;
  };
  return {
    dial,
    acquire(upstream, receiver, recent) {
      const connections = idle.get(keyOf(upstream));
      const last = connections?.at(-1);
      if (!last || (recent && sweeps - last.idleSince > recentSweeps)) return dial(upstream, receiver);
      connections?.pop();
      last.reused = true;
      last.receiver = receiver;
      return last;
    },
    release(connection) {
      connection.receiver = undefined;
      connection.idleSince = sweeps;
      const connections = idle.get(connection.key);
      if (!connections) idle.set(connection.key, [connection]);
      else if (connections.length < idleLimit) connections.push(connection);
      else connection.destroy();
      sweeper ??= setInterval(sweep, sweepMs).unref();
    },
    forget(upstream) {
      const connections = idle.get(keyOf(upstream)) ?? [];
      idle.delete(keyOf(upstream));
      for (const connection of connections) connection.destroy();
    },
    close() {
      clearInterval(sweeper);
      for (const connection of open) connection.destroy();
    },
  };
}

/** All connections read into this one, as each read is worked off before the next. Spares 64 KB a response. */
const readBuffer: Buffer = Buffer.alloc(65_536);

export class UpstreamConnection {
  readonly socket: Socket;
  readonly key: string;
  receiver: Receiver | undefined;
  connected = false;
  /** It has carried a request before this one. */
  reused = false;
  /** Counted in sweeps of the pool. */
  idleSince = 0;

  constructor(upstream: Upstream, connectMs: number, gone: () => void) {
    this.key = keyOf(upstream);
    let failure: Error | undefined;
    const { host, port, path } = upstream;
    const callback = (length: number) => {
      // Bytes on an idle connection answer no request, and must not be taken for an answer to the next.
      if (this.receiver) this.receiver.received(readBuffer.subarray(0, length));
      else socket.destroy();
      return true;
    };
    const socket = connect({
      ...(path === undefined ? { host, port } : { path }),
      noDelay: true,
      allowHalfOpen: true,
      onread: { buffer: readBuffer, callback },
    });
    this.socket = socket;
    socket.setTimeout(connectMs, () => socket.destroy(new ConnectTimeout()));
    socket.once("connect", () => {
      socket.setTimeout(0);
      this.connected = true;
      this.receiver?.connected();
    });
    socket.on("end", () => (this.receiver ? this.receiver.ended() : socket.destroy()));
    socket.on("drain", () => this.receiver?.drained());
    socket.on("error", (error) => (failure = error));
    socket.on("close", () => {
      gone();
      this.receiver?.closed(failure);
    });
  }

  /** Ends it without telling its receiver. */
  destroy(): void {
    this.receiver = undefined;
    this.socket.destroy();
  }
}

export class ConnectTimeout extends Error {
  override readonly name = "ConnectTimeout";
}

const keys = new WeakMap<Upstream, string>();

function keyOf(upstream: Upstream): string {
  let key = keys.get(upstream);
  if (key === undefined) {
    key = upstream.path ?? `${upstream.host}:${upstream.port}`;
    keys.set(upstream, key);
  }
  return key;
}
