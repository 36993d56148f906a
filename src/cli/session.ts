// What a verb's file is given: the terminal, the world, and the project when it asks for it.
import { resolve } from "node:path";
import process from "node:process";
import type { CommandContext } from "@stricli/core";
import { SestaError } from "../base/errors.ts";
import { openContext, type Context, type World } from "../operations/context.ts";
import { findProjectFolder } from "../project/find.ts";
import { printError } from "./print-error.ts";
import { createTerminal, type Terminal } from "./terminal.ts";
import { createWorld } from "./world.ts";

export type CommonFlags = {
  directory?: string | undefined;
  json?: boolean | undefined;
  yes?: boolean | undefined;
};

export type Session = {
  terminal: Terminal;
  world: World;
  flags: CommonFlags;
  /** Opens the project of `-C`, or of this folder and the ones above it. */
  open(): Promise<Context>;
  /** Lets go of the connections that projects opened; what others share stays. */
  close(): Promise<void>;
  /** The one JSON document of `--json`, or nothing. */
  json(document: unknown): void;
  /**
   * @param preselected what Enter alone answers: "no" where something that people made could go
   * @throws SestaError CONFIRMATION without a terminal and without `-y`; false when the person said no
   */
  confirm(question: string, preselected?: "yes" | "no"): Promise<boolean>;
  /** What somebody types on the terminal. @throws SestaError CONFIRMATION without one */
  ask(question: string): Promise<string>;
  /** Ends the command with another code than 0. */
  exitCode: number;
};

export type Verb<Flags, Args extends (string | undefined)[]> = (
  session: Session,
  flags: Flags & CommonFlags,
  ...args: Args
) => Promise<void> | void;

/** Turns a verb into what the command line calls: errors are printed once, here. */
export function runVerb<Flags, Args extends (string | undefined)[]>(verb: Verb<Flags, Args>) {
  return async function (this: CommandContext, flags: Flags & CommonFlags, ...args: Args): Promise<void> {
    const terminal = createTerminal(process);
    try {
      const session = createSession(terminal, flags);
      try {
        await verb(session, flags, ...args);
      } finally {
        await session.close();
      }
      process.exitCode = session.exitCode;
    } catch (error) {
      process.exitCode = printError(error, terminal, flags.json === true);
    }
  };
}

function createSession(terminal: Terminal, flags: CommonFlags): Session {
  const world = createWorld();
  const opened: Context[] = [];
  return {
    terminal,
    world,
    flags,
    exitCode: 0,
    async open() {
      const start = resolve(flags.directory ?? ".");
      const folder = flags.directory === undefined ? await findProjectFolder(start) : start;
      const context = await openContext(world, folder ?? start);
      opened.push(context);
      return context;
    },
    async close() {
      for (const { targets } of opened) await targets.close();
    },
    json(document) {
      if (flags.json) terminal.out(`${JSON.stringify(document)}\n`);
    },
    ask: (question) => ask(terminal, flags, question),
    confirm: (question, preselected) => confirm(terminal, flags, question, preselected ?? "yes"),
  };
}

async function ask(terminal: Terminal, flags: CommonFlags, question: string): Promise<string> {
  requireTerminal(terminal, flags);
  const { text, isCancel } = await import("@clack/prompts");
  const typed = await text({ message: question, output: process.stderr });
  if (isCancel(typed)) throw new SestaError("INTERRUPTED", "Stopped; nothing was changed");
  return typed;
}

function requireTerminal(terminal: Terminal, flags: CommonFlags): void {
  if (terminal.interactive && !flags.json) return;
  throw new SestaError("CONFIRMATION", "This needs a yes, and there is no terminal to ask on", {
    hint: "Add -y to answer yes.",
  });
}

async function confirm(
  terminal: Terminal,
  flags: CommonFlags,
  question: string,
  preselected: "yes" | "no",
): Promise<boolean> {
  if (flags.yes) return true;
  requireTerminal(terminal, flags);
  const { confirm: ask, isCancel } = await import("@clack/prompts");
  const answer = await ask({
    message: question,
    initialValue: preselected === "yes",
    output: process.stderr,
  });
  if (isCancel(answer)) throw new SestaError("INTERRUPTED", "Stopped; nothing was changed");
  if (!answer) terminal.err("Nothing was changed.\n");
  return answer;
}
