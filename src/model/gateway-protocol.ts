// What crosses the gateway's socket, from the command line of the same user.

export type GatewayMethods = {
  hello: { params: Record<string, never>; result: GatewayHello };
  /** Looks at the project and its state again: opens and closes doors. Done when it returns. */
  reload: { params: Record<string, never>; result: GatewayHello };
  /** A single-use address that makes a browser the owner's. */
  ticket: { params: { workload: string | null }; result: { url: string; expiresInSeconds: number } };
  /** The value of a secret that the gateway cannot resolve by itself, such as one given by `env`; kept in memory only. */
  token: { params: { secret: string; value: string }; result: null };
  /** For each node of a run, the origin under which its machine reaches the tracker that it reports to. */
  reach: { params: { run: string }; result: { urls: string[] } };
  stop: { params: Record<string, never>; result: null };
};

export type GatewayHello = {
  pid: number;
  version: string;
  /** Origin of the gateway itself. */
  url: string;
  /** Origin of each workload's front door. */
  doors: Readonly<Record<string, string>>;
};
