// The command line: every verb with its flags, arguments and help; each one's file is loaded when it is called.
import process from "node:process";
import { buildApplication, buildRouteMap, ExitCode, proposeCompletions, run } from "@stricli/core";
import { version } from "../base/version.ts";
import { hoistDirectory } from "./hoist-directory.ts";
import { routes } from "./routes.ts";

const app = buildApplication(
  buildRouteMap({
    routes,
    docs: { brief: "Machine-learning infrastructure that exists only while it is used" },
  }),
  {
    name: "sesta",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { caseStyle: "convert-camel-to-kebab", onlyRequiredInUsageLine: true },
  },
);

export async function runApp(argv: readonly string[]): Promise<void> {
  const inputs = hoistDirectory(argv.length === 0 ? ["--help"] : argv);
  await run(app, inputs, { process: parserProcess });
}

/** Verbs and flags that could be the last word of `words`. */
export async function proposeWords(words: readonly string[]): Promise<string[]> {
  return (await proposeCompletions(app, words, { process: { stdout: process.stdout, stderr: process.stderr } })).map(({ completion }) => completion);
}

// Verbs set the code of the process themselves; what the parser refuses is a usage error.
const parserProcess = {
  stdout: process.stdout,
  stderr: process.stderr,
  get exitCode(): number | string | null {
    return process.exitCode ?? null;
  },
  set exitCode(code: number | string | null) {
    if (code === null || code === ExitCode.Success) return;
    process.exitCode = code === ExitCode.InvalidArgument || code === ExitCode.UnknownCommand ? 2 : 1;
  },
};
