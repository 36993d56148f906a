// The `save` and `keep_awake` sections of a lab as zod schemas.
import { z } from "zod";
import { isBranchName } from "../model/branch-name.ts";
import { parseRepository } from "../model/repository.ts";
import { findSizeBytes, formatSize, sizePattern } from "../model/size.ts";
import { duration, field, flag, isLine, Refusal, script, secretReference, type About } from "./fields.ts";

/** The message of the issue that nothing says when to stay awake. */
export const oneSignal = "one-signal";

export const save = z
  .strictObject({
    repo: repository({
      description:
        "The git repository that every change goes to: an address, or a folder on this machine (an existing bare repository). Never with a password in it.",
      examples: [
        "https://github.com/acme/notebooks.git",
        "git@github.com:acme/notebooks.git",
        "../saves.git",
      ],
    }),
    branch: branchName({
      description:
        "The branch; without it the repository's default one. When somebody else moves it, saves go to a branch beside it.",
      examples: ["main"],
    }).optional(),
    token: secretReference({
      description: "The token for an https:// address. Over ssh your key is used.",
      examples: ["${secret.git_token}"],
    }).optional(),
    include: patterns({
      description:
        "What is saved whatever else leaves it out, files that hold secrets too; only `max_file` still counts. Patterns as in .gitignore.",
      examples: [["data/*.csv"]],
    }).optional(),
    exclude: patterns({
      description:
        "What is left out, beside .gitignore files, checkpoints, caches and virtual environments: patterns as in .gitignore.",
      examples: [["*.ckpt", "downloads/"]],
    }).optional(),
    max_file: size(
      { minimumBytes: 1024 },
      {
        description: "A larger file is left out and named; with `lfs` it goes through Git LFS.",
        default: "100MB",
        examples: ["100MB"],
      },
    ).optional(),
    every: duration(
      { minimumMs: 1_000, never: false },
      {
        description: "Under constant writing, a save begins at most this often.",
        default: "10s",
        examples: ["10s"],
      },
    ).optional(),
    lfs: flag({
      description: "Send files larger than `max_file` through Git LFS; needs git-lfs on the machine.",
      default: false,
    }).optional(),
    author: author({
      description: "The author of the saves; without it git's own user.",
      examples: ["Ada Lovelace <ada@example.org>"],
    }).optional(),
  })
  .meta({
    title: "Save",
    description:
      "Where the workspace saves itself, within seconds of every change, asleep or awake. Of a repository inside of it the files are saved, its `.git` and empty folders are not.",
  });

export const keepAwake = z
  .strictObject({
    cpu: percent(6_400, {
      description:
        "In use while the programs in it take this much of one core, without a break for `for`; without this, 5% for a minute.",
      examples: ["50%"],
    }).optional(),
    gpu: percent(100, {
      description: "In use while a GPU is this busy, without a break for `for`.",
      examples: ["20%"],
    }).optional(),
    for: duration(
      { minimumMs: 1_000, never: false },
      {
        description: "How long `cpu` or `gpu` must be reached before it counts.",
        default: "5m",
        examples: ["5m"],
      },
    ).optional(),
    command: script("a command like ./busy.sh", {
      description:
        "Your own sign of use, given to `sh -c` in the workspace now and then: exit 0 is use, 1 is none, anything else counts as use.",
      examples: ["./busy.sh"],
    }).optional(),
  })
  .refine(({ cpu, gpu, command }) => cpu !== undefined || gpu !== undefined || command !== undefined, {
    error: oneSignal,
  })
  .meta({
    title: "Keep awake",
    description:
      "What counts as use beside what Sesta sees by itself: at least one of `cpu`, `gpu`, `command`.",
    examples: [{ cpu: "50%", for: "5m" }, { command: "./busy.sh" }],
  });

export function repository(about: About) {
  const check = (input: unknown): string | Refusal => {
    const found = typeof input === "string" ? parseRepository(input) : parseRepository("");
    if ("kind" in found) return String(input);
    return new Refusal(found.expected, found.help);
  };
  return field(check, { type: "string", shown: "repository", ...about });
}

function branchName(about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && isBranchName(input)
      ? input
      : new Refusal("the name of a branch, like main", typeof input === "number" ? "put it in quotes" : "");
  return field(check, { type: "string", shown: "branch", ...about });
}

function patterns(about: About) {
  const check = (input: unknown): string | Refusal => {
    if (!isLine(input) || input.endsWith("\\")) return new Refusal("a pattern like data/*.csv");
    if (input.startsWith("!"))
      return new Refusal("a pattern without !", "`include` names what is saved after all");
    if (input.startsWith("#")) return new Refusal("a pattern", "in .gitignore # begins a comment: write \\#");
    return input;
  };
  const one = field(check, { type: "string", shown: "pattern", description: "A pattern as in .gitignore." });
  return z
    .array(one)
    .max(500)
    .meta({ shown: "list of patterns", default: [], ...about });
}

export function size({ minimumBytes }: { minimumBytes: number }, about: About) {
  const check = (input: unknown): number | Refusal => {
    const expected = "a size like 100MB";
    if (typeof input === "number") return new Refusal(expected, "its unit is missing: KB, MB, GB or TB");
    const bytes = typeof input === "string" ? findSizeBytes(input) : undefined;
    if (bytes === undefined) return new Refusal(expected);
    if (bytes < minimumBytes) return new Refusal(`at least ${formatSize(minimumBytes)}`);
    return bytes > 1024 ** 4 ? new Refusal("at most 1TB") : bytes;
  };
  return field(check, { type: "string", pattern: sizePattern.source, shown: "size", ...about });
}

function percent(most: number, about: About) {
  const check = (input: unknown): number | Refusal => {
    const expected = "a share like 50%";
    if (typeof input === "number") return new Refusal(expected, "its % is missing");
    const digits = typeof input === "string" ? /^(\d{1,4})%$/.exec(input)?.[1] : undefined;
    const value = Number(digits);
    if (digits === undefined) return new Refusal(expected);
    return value < 1 || value > most ? new Refusal(`a share from 1% to ${most}%`) : value;
  };
  return field(check, { type: "string", pattern: "^\\d{1,4}%$", shown: "percentage", ...about });
}

function author(about: About) {
  const check = (input: unknown) => {
    const text = isLine(input) ? input : "";
    const [, name, email] = /^([^<>]{1,100}?) <([^<>@\s]{1,64}@[^<>@\s]{1,255})>$/.exec(text) ?? [];
    return name !== undefined && name.trim() !== "" && email !== undefined
      ? { name: name.trim(), email }
      : new Refusal("a name and an address, like Ada Lovelace <ada@example.org>");
  };
  return field<{ name: string; email: string }>(check, {
    type: "string",
    shown: "name and address",
    ...about,
  });
}
