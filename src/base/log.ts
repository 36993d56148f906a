// A line-oriented log: one JSON object a line, redacted, to whatever sink it is given.
import { redact } from "./redact.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Level = "debug" | "info" | "warn" | "error";
export type Log = Record<Level, (message: string, fields?: LogFields) => void>;

/** @param write receives one redacted line, newline included */
export function createLog(write: (line: string) => void, now: () => number): Log {
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}) => {
      const line = JSON.stringify({ at: new Date(now()).toISOString(), level, message, ...fields });
      try {
        write(`${redact(line)}\n`);
      } catch {
        // A log that cannot be written, on a full disk, must not stop what it tells of.
      }
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
