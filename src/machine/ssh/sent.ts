// A file or link that is to be sent, as it was found here.

export type Sent = {
  /** Relative. */
  path: string;
  /** 0 for a link. */
  bytes: number;
  isLink: boolean;
  /** Permission bits. */
  mode: number;
  modifiedMs: number;
};
