// The head of a request as plain data, for whatever server it came through.

export type RequestHead = {
  method: string;
  /** The Host header as sent, or `:authority`. */
  host: string | undefined;
  /** Whether the browser came over https. */
  encrypted: boolean;
  /** @param name in lower case */
  header(name: string): string | undefined;
};
