// `sesta init`: writes a sesta.yaml to begin with.
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { SestaError, systemCode } from "../../base/errors.ts";
import { findDurationMs } from "../../model/duration.ts";
import { envNamePattern } from "../../model/secret.ts";
import { projectNameProblem } from "../../project/names.ts";
import { packageProblem } from "../../project/package-spec.ts";
import { parseProject } from "../../project/parse.ts";
import {
  buildJobTemplate,
  buildLabTemplate,
  buildServiceTemplate,
  buildTrackerTemplate,
  type LabAnswers,
} from "../../project/template.ts";
import type { Session, Verb } from "../session.ts";

const templates = ["lab", "job", "service", "tracker"];
const defaultEnv = "TEAM_PASS";

export const init: Verb<object, [string?]> = async (session, flags, template) => {
  const folder = resolve(flags.directory ?? ".");
  if (template !== undefined && !templates.includes(template)) {
    throw new SestaError("USAGE", `There is no template "${template}"`, {
      hint: `Templates: ${templates.join(", ")}.`,
    });
  }
  const name = projectName(folder);
  const asks = template === undefined && !flags.yes;
  const answers = asks
    ? await askPerson(session, name)
    : { name, passwordEnv: defaultEnv, idle: "40m", packages: [] };
  const path = join(folder, "sesta.yaml");
  const text = buildTemplate(template, answers);
  await parseProject(new TextEncoder().encode(text), folder);
  await writeNew(path, text);
  if (flags.json) return session.json({ path, name: answers.name });
  session.terminal.out(`wrote ${path}\n\nnext:\n${steps[template ?? ""] ?? nextSteps(answers)}`);
};

function buildTemplate(template: string | undefined, answers: LabAnswers): string {
  if (template === "job") return buildJobTemplate(answers.name);
  if (template === "tracker") return buildTrackerTemplate(answers.name);
  return template === "service" ? buildServiceTemplate(answers.name) : buildLabTemplate(answers);
}

const serviceSteps =
  "  git init && git add -A && git commit -m begin    a pipeline runs what is committed\n" +
  "  sesta pipeline run                               tests it, brings it up\n" +
  "  curl localhost:8080/\n";

const jobSteps =
  "  sesta run train     sets up what is missing, runs it, brings its output home\n  sesta plan train    shows what would be set up\n";

const trackerSteps =
  "  sesta up                 shows the plan, then does it\n  sesta open tracking      its pages\n  sesta backup tracking    its database and artifacts as one file\n";

const steps: Readonly<Record<string, string>> = {
  job: jobSteps,
  service: serviceSteps,
  tracker: trackerSteps,
};

function nextSteps({ passwordEnv }: LabAnswers): string {
  const password = passwordEnv === undefined ? "" : `  export ${passwordEnv}=…   the team's password\n`;
  return `${password}  sesta up            shows the plan, then does it\n  sesta open notebook\n`;
}

/** What the folder is called, as far as a project may be called so. */
function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return name.length >= 3 ? name : "my-project";
}

async function askPerson({ terminal, flags }: Session, proposed: string): Promise<LabAnswers> {
  if (!terminal.interactive || flags.json) {
    throw new SestaError("CONFIRMATION", "`sesta init` asks questions, and there is no terminal to ask on", {
      hint: "Run `sesta init lab`, which asks none.",
    });
  }
  const { group, text, confirm } = await import("@clack/prompts");
  const output = process.stderr;
  const given = await group(
    {
      name: () =>
        text({
          message: "What is the project called?",
          initialValue: proposed,
          validate: (typed = "") => expected(projectNameProblem(typed)),
          output,
        }),
      password: () => confirm({ message: "Should a team reach its Jupyter Lab with a password?", output }),
      passwordEnv: ({ results }) =>
        results.password === true
          ? text({
              message: "Which environment variable holds that password?",
              initialValue: defaultEnv,
              validate: (typed = "") =>
                envNamePattern.test(typed) ? undefined : expected("the name of a variable, like TEAM_PASS"),
              output,
            })
          : Promise.resolve(undefined),
      idle: () =>
        text({
          message: "After how long without use should it sleep?",
          initialValue: "40m",
          validate: (typed = "") =>
            typed === "never" || findDurationMs(typed)
              ? undefined
              : expected("a duration like 40m, or never"),
          output,
        }),
      packages: () =>
        text({
          message: "Python packages, separated by spaces",
          placeholder: "pandas scikit-learn",
          defaultValue: "",
          validate: (typed = "") => expected(splitWords(typed).map(packageProblem).find(Boolean)?.expected),
          output,
        }),
    },
    {
      onCancel: () => {
        throw new SestaError("INTERRUPTED", "Stopped; nothing was written");
      },
    },
  );
  const { name, passwordEnv, idle, packages } = given;
  return {
    name,
    ...(typeof passwordEnv === "string" && { passwordEnv }),
    idle,
    packages: splitWords(packages),
  };
}

/** What is said under a question whose answer cannot stand in a project file. */
function expected(problem: string | undefined): string | undefined {
  return problem && `Expected ${problem}.`;
}

function splitWords(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

async function writeNew(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch(() => undefined); // writing says why
  try {
    await writeFile(path, content, { flag: "wx" });
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") {
      throw new SestaError("USAGE", `${path} exists already`, {
        hint: "Edit it, or choose another folder with -C.",
        cause,
      });
    }
    throw new SestaError("PROJECT_UNREADABLE", `${path} cannot be written (${systemCode(cause)})`, {
      hint: "Check that the folder is yours and may be written.",
      cause,
    });
  }
}
