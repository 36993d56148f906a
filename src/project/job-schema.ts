// The section of a job as a zod schema.
import { z } from "zod";
import { isBranchName } from "../model/branch-name.ts";
import * as fields from "./fields.ts";
import {
  checkJobPython,
  container,
  dataSource,
  envMapping,
  gitReference,
  globPatterns,
  gpus,
  jobPython,
  systemPackage,
  wholeNumber,
} from "./job-fields.ts";
import { projectEntry, projectParameters } from "./mlproject-fields.ts";
import { repository } from "./save-schema.ts";

/** The message of the issue that a job has nothing to do. */
export const nothingToRun = "nothing-to-run";

const minutes = { minimumMs: 1_000, never: false } as const;

export const job = z
  .strictObject({
    type: z
      .literal("job")
      .meta({ description: "A program that runs to its end, and whose output comes home." }),
    target: fields
      .targetName({ description: "Where it runs; without it the project's `target`.", examples: ["box"] })
      .optional(),
    repo: repository({
      description:
        "A git repository with the sources: an address that the machine can reach, or a folder on this machine. Without it the project's own folder, as .gitignore leaves it.",
      examples: ["https://github.com/otavioon/Distributed-DCGAN.git"],
    }).optional(),
    ref: gitReference(isBranchName, {
      description: "The branch, tag or commit of `repo`; without it its default branch.",
      examples: ["main", "v1.2"],
    }).optional(),
    token: fields
      .secretReference({
        description: "The token for a `repo` with an https:// address.",
        examples: ["${secret.git_token}"],
      })
      .optional(),
    packages: z
      .array(systemPackage({ description: "A package of apt or dnf." }))
      .max(200)
      .meta({
        description: "System packages of apt or dnf; installed with sudo where the user is not root.",
        examples: [["docker.io", "python3-docker"]],
        shown: "list of packages",
        default: [],
      })
      .optional(),
    python: jobPython(
      {
        description:
          "Python packages, in an environment of the job's own through uv: a requirements file or a conda.yml in its sources, a list of packages, or a mapping of packages, requirements and version. Of a conda.yml the plan names what PyPI does not have.",
        examples: ["requirements.txt", "conda.yml", ["numpy", "torch==2.6"]],
      },
      checkJobPython,
    ).optional(),
    container: container.optional(),
    data: z
      .array(
        dataSource({ description: "A path or an address, or a mapping of from, to, unpack and sha256." }),
      )
      .max(100)
      .meta({
        description:
          "Folders, archives and files that the run reads: of the project's folder, or https addresses. Sent or fetched once, then kept on the machine.",
        examples: [["data/", { from: "https://example.org/digits.tar.gz", to: "data" }]],
        shown: "list of sources",
        default: [],
      })
      .optional(),
    setup: fields
      .script("a command like make", {
        description:
          "Given to `sh -c` in the sources, once for each state of them and of what is set up before it.",
        examples: ["make"],
      })
      .optional(),
    run: fields
      .script("a command like python train.py", {
        description:
          "Given to `sh -c` in the run's own copy of the sources, in the container where there is one. What follows `--` on the command line is added.",
        examples: ["python train.py --epochs 3"],
      })
      .optional(),
    project: fields
      .innerPath("the path of a folder with an MLproject file", {
        description:
          "In place of `run`: the folder, in the sources, of an MLproject file of MLflow, whose entry point runs there. Its conda_env or python_env is taken where the job has no `python`; what follows `--` is `-P NAME=VALUE`.",
        examples: ["."],
      })
      .optional(),
    entry: projectEntry({
      description: "The entry point of the `project`.",
      default: "main",
      examples: ["validate"],
    }).optional(),
    parameters: projectParameters({
      description: "Values of the entry point's parameters; those without one have the MLproject file's.",
      examples: [{ alpha: 0.5 }],
    }).optional(),
    env: envMapping({
      description: "Variables of the run: text, or `${secret.NAME}`.",
      examples: [{ EPOCHS: "3", HF_TOKEN: "${secret.hf_token}" }],
    }).optional(),
    tracker: fields
      .workloadName({
        description:
          "The tracker of this project that its runs report to: each has a run there, with its output and what it fetches; MLflow's clients find it by themselves.",
        examples: ["tracking"],
      })
      .optional(),
    stdout: fields
      .innerPath("the path of a file", {
        description: "A file in the run's folder that standard output goes to as well.",
        examples: ["output.txt"],
      })
      .optional(),
    fetch: globPatterns({
      description:
        "What comes home at the end: files, folders and patterns (`*` and `?` within a name) in the run's folder.",
      examples: [["output.txt", "output/"]],
    }).optional(),
    into: fields
      .innerPath("the path of a folder", {
        description:
          "The folder that it comes into; `results/NAME` without it. A rerun goes beside what is there, into a folder with its id.",
        examples: ["resultados"],
      })
      .optional(),
    timeout: fields
      .duration(minutes, { description: "A run that takes longer is ended.", examples: ["2h"] })
      .optional(),
    retries: wholeNumber(0, 100, {
      description:
        "How often a run that failed, or whose machine was restarted, is begun again, in the same folder.",
      default: 0,
    }).optional(),
    nodes: wholeNumber(1, 256, {
      description: "On how many machines of the target it runs at once, as torchrun and env:// expect.",
      default: 1,
    }).optional(),
    gpus: gpus({
      description:
        "GPUs that it needs: how many, or `all`. Such jobs run one at a time on a machine unless the target has `slots`.",
      examples: [1, "all"],
    }).optional(),
    rendezvous: fields
      .duration(minutes, {
        description: "How long the machines of a run wait for each other before it is given up.",
        default: "10m",
        examples: ["10m"],
      })
      .optional(),
    playbook: fields
      .innerPath("the path of a playbook", {
        description: "An Ansible playbook that configures the machines before the run.",
        examples: ["configure.yaml"],
      })
      .optional(),
    inventory: fields
      .innerPath("the path of an inventory", {
        description: "The playbook's inventory; without it the machines of the target.",
        examples: ["inventory.yaml"],
      })
      .optional(),
  })
  .refine(({ run, project, playbook }) => (run ?? project ?? playbook) !== undefined, { error: nothingToRun })
  .meta({
    title: "Job",
    description: "A program that runs to its end on a machine, whatever becomes of the connection to it.",
  });
