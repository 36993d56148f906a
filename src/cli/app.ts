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
  let refusal = "";
  await run(app, inputs, { process: createParserProcess((text) => (refusal += text)) });
  if (refusal !== "" && wantsJson(inputs)) {
    process.stdout.write(
      `${JSON.stringify({ error: { code: "USAGE", message: refusal.trim(), problems: [] } })}\n`,
    );
  }
}

function wantsJson(inputs: readonly string[]): boolean {
  const end = inputs.indexOf("--");
  return inputs.slice(0, end < 0 ? inputs.length : end).includes("--json");
}

/** Verbs and flags that could be the last word of `words`. */
export async function proposeWords(words: readonly string[]): Promise<string[]> {
  return (
    await proposeCompletions(app, words, { process: { stdout: process.stdout, stderr: process.stderr } })
  ).map(({ completion }) => completion);
}

// Verbs set the code of the process and print by themselves; what the parser refuses is a usage error.
function createParserProcess(refused: (text: string) => void) {
  return {
    stdout: process.stdout,
    stderr: {
      write(text: string) {
        process.stderr.write(text);
        refused(text);
      },
    },
    get exitCode(): number | string | null {
      return process.exitCode ?? null;
    },
    set exitCode(code: number | string | null) {
      if (code === null || code === ExitCode.Success) return;
      process.exitCode = code === ExitCode.InvalidArgument || code === ExitCode.UnknownCommand ? 2 : 1;
    },
  };
}
