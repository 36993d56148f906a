// When somebody typed in a terminal.
import { stat } from "node:fs/promises";
import { systemCode } from "../base/errors.ts";

/**
 * Wall time in ms of the newest input that a program read, or of the terminal's opening; undefined when it is gone.
 * Linux and macOS move a terminal's access time when input is read and not when output is written; Linux does so in
 * steps of 8 seconds (drivers/tty/tty_io.c, tty_update_time).
 * @throws a system error when it cannot be looked at
 */
export async function findLastInput(tty: string): Promise<number | undefined> {
  try {
    return (await stat(tty)).atimeMs;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
