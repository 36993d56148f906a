// A stage as a job: the command that runs it here runs it there, on what the jobs before it have found.
import type { StageSection } from "../../model/pipeline.ts";
import { listNeeded } from "../graph.ts";
import type { ExportInput } from "./export-input.ts";
import type { StageNeeds } from "./stage-needs.ts";
import { runner, type Job, type Step } from "./workflow.ts";

const destroyBranch = "infra-destroy";

export function buildStageJob(input: ExportInput, stage: StageSection, needs: StageNeeds): Job {
  const { storedKeys } = input;
  const env = Object.keys(needs.env).length === 0 ? {} : { env: needs.env };
  const usesOidc = needs.region !== null && !storedKeys;
  return {
    if: buildCondition(input, stage),
    ...(stage.needs.length === 0 ? {} : { needs: stage.needs }),
    "runs-on": runner,
    ...(stage.timeoutMs === null ? {} : { "timeout-minutes": Math.ceil(stage.timeoutMs / 60_000) + 15 }),
    permissions: { contents: "read", ...(usesOidc ? { "id-token": "write" as const } : {}) },
    steps: [
      ...buildCheckout(),
      { uses: "actions/setup-node", with: { "node-version": "24", "package-manager-cache": false } },
      ...needs.steps,
      ...(needs.region === null ? [] : [buildAwsLogin(needs.region, storedKeys)]),
      ...(stage.needs.length === 0 ? [] : [buildDownload(input)]),
      { name: stage.name, run: buildCommand(input, stage), ...env },
      ...(isNeeded(input, stage) ? [buildUpload(input, stage)] : []),
    ],
  };
}

export function buildCheckout(): Step[] {
  return [{ uses: "actions/checkout", with: { "persist-credentials": false } }];
}

export function buildAwsLogin(region: string, storedKeys: boolean): Step {
  return {
    name: "Log in to AWS",
    uses: "aws-actions/configure-aws-credentials",
    with: {
      "aws-region": region,
      ...(storedKeys
        ? {
            "aws-access-key-id": "${{ secrets.AWS_ACCESS_KEY_ID }}",
            "aws-secret-access-key": "${{ secrets.AWS_SECRET_ACCESS_KEY }}",
          }
        : { "role-to-assume": "${{ vars.AWS_ROLE_ARN }}" }),
    },
  };
}

/** A stage that runs by hand runs when it is chosen; one that takes a service away also on a push to its branch. */
function buildCondition({ pipeline }: ExportInput, { name, manual, work }: StageSection): string {
  // Also for a stage by hand that needs this one: a job is skipped when one that it needs is.
  const byHand = pipeline.stages.filter(
    (stage) => stage.manual && (stage.name === name || listNeeded(pipeline, stage).includes(name)),
  );
  const branches = [
    ...(manual ? [] : ["main"]),
    ...(manual && work.kind === "destroy" ? [destroyBranch] : []),
  ];
  const ways = [
    ...branches.map((branch) => `github.event_name == 'push' && github.ref == 'refs/heads/${branch}'`),
    ...byHand.map((stage) => `github.event_name == 'workflow_dispatch' && inputs.stage == '${stage.name}'`),
  ];
  return ways.length === 1 ? ways.join("") : ways.map((way) => `(${way})`).join(" || ");
}

function isNeeded({ pipeline }: ExportInput, { name }: StageSection): boolean {
  return pipeline.stages.some(({ needs }) => needs.includes(name));
}

function buildCommand({ version, pipeline, folder }: ExportInput, { name, work }: StageSection): string {
  const yes = work.kind === "run" || work.kind === "build" ? "" : " -y";
  const where = folder === "" ? "" : ` -C '${folder.replaceAll("'", "'\\''")}'`;
  return `npx --yes sesta@${version} pipeline run ${pipeline.name} --only ${name}${yes}${where}`;
}

/** Results and outputs have their content's digest for a name, so that those of several jobs are one folder. */
function buildDownload(input: ExportInput): Step {
  return {
    name: "Take the results of the stages before",
    uses: "actions/download-artifact",
    with: { pattern: "sesta-*", path: `${own(input)}/pipelines`, "merge-multiple": true },
  };
}

function buildUpload(input: ExportInput, { name }: StageSection): Step {
  const base = `${own(input)}/pipelines`;
  return {
    name: "Hand on its result",
    uses: "actions/upload-artifact",
    with: {
      name: `sesta-${name}`,
      path: `${base}/results\n${base}/store\n`,
      "include-hidden-files": true,
      overwrite: true,
      "retention-days": 7,
    },
  };
}

function own({ folder }: ExportInput): string {
  return folder === "" ? ".sesta" : `${folder}/.sesta`;
}
