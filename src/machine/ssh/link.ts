// What transfers work with: the connection itself for rsync, programs on the host for all else.
import type { Machine } from "../machine.ts";
import type { Connection } from "./connection.ts";
import type { Sessions } from "./sessions.ts";

export type Link = Pick<Machine, "run" | "open"> & { connection: Connection; sessions: Sessions };
