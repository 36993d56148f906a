// The files that say what a run is, as the scripts on its machine read them: shell text in which every value is quoted.
import { quoteWord, quoteWords } from "./shell-words.ts";

/** Raised when older scripts would misread the files of a run, or newer ones those of an old run. */
export const runFormat = 1;

export type RunSpec = {
  /** How many such runs at a time: a number of any kind, one of those with GPUs, or no line at all. */
  slots: number | "gpu" | "none";
  /** 0: no limit. */
  timeoutS: number;
  retries: number;
  /** Between two tries. */
  delayS: number;
  /** From TERM to KILL. */
  graceS: number;
  /** How long the machines of one run wait for each other; 0 for one machine. */
  gatherS: number;
  /** How the container engine is called, several words where sudo is needed; empty without a container. */
  engine: string;
  /** The container's name; empty without one. */
  container: string;
  /** The file, in the run's folder, that standard output goes to; empty: to the log with the rest. */
  stdoutFile: string;
};

export type RunOrder = {
  spec: RunSpec;
  env: Readonly<Record<string, string>>;
  /** Put in front of PATH. */
  path: readonly string[];
  argv: readonly string[];
  /** Absolute folders or files, and where the run finds them. */
  links: readonly { from: string; to: string }[];
  /** It asks for GPUs. */
  gpu: boolean;
};

/** By name, in the run's folder. The `env` file may hold secrets; it goes when the run ends. */
export function buildRunFiles({ spec, env, path, argv, links, gpu }: RunOrder): Record<string, string> {
  return {
    spec: [
      `format=${runFormat}`,
      `slots=${spec.slots}`,
      `timeout=${spec.timeoutS}`,
      `retries=${spec.retries}`,
      `delay=${spec.delayS}`,
      `grace=${spec.graceS}`,
      `gather=${spec.gatherS}`,
      `engine=${quoteWord(spec.engine)}`,
      `container=${quoteWord(spec.container)}`,
      `stdout_file=${quoteWord(spec.stdoutFile)}`,
      "",
    ].join("\n"),
    env: [
      ...(path.length === 0 ? [] : [`PATH=${quoteWord(path.join(":"))}:$PATH`, "export PATH"]),
      ...Object.entries(env).map(([name, value]) => `export ${name}=${quoteWord(value)}`),
      "",
    ].join("\n"),
    invoke: `set -- ${quoteWords(argv)}\n`,
    links: links.map(buildLink).join(""),
    ...(gpu && { gpu: "" }),
  };
}

/**
 * Sources that have something of that name keep it out of the way of what was asked for. A parent that is a symbolic link
 * leads out of the run's copy of them: a folder takes its place, and what it led to stays as it is.
 */
function buildLink({ from, to }: { from: string; to: string }): string {
  const names = to.split("/");
  const parents = names.slice(0, -1).map((_, at) => quoteWord(`./${names.slice(0, at + 1).join("/")}`));
  const enter = parents.map(
    (folder) => `{ [ ! -L ${folder} ] || rm -f ${folder}; } && mkdir -p ${folder} && `,
  );
  const place = quoteWord(`./${to}`);
  return `${enter.join("")}rm -rf ${place} && ln -s ${quoteWord(from)} ${place} || return 1\n`;
}
