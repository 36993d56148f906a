// A pipeline as workflows of GitHub Actions: pure, from the project file to the texts and what must be set for them.
import { sortStages } from "../graph.ts";
import { buildStateWorkflow } from "./build-state-workflow.ts";
import type { Exported, ExportInput, Setting } from "./export-input.ts";
import { buildStageJob } from "./stage-job.ts";
import { findStageNeeds } from "./stage-needs.ts";
import { printWorkflow, type Job } from "./workflow.ts";

/** @throws SestaError UNSUPPORTED for secrets that no runner can have */
export function buildWorkflows(input: ExportInput): Exported {
  const { pipeline, storedKeys } = input;
  const stages = sortStages(pipeline).map((stage) => ({ stage, needs: findStageNeeds(input, stage) }));
  const jobs: Record<string, Job> = Object.fromEntries(
    stages.map(({ stage, needs }) => [stage.name, buildStageJob(input, stage, needs)]),
  );
  const manual = stages.filter(({ stage }) => stage.manual).map(({ stage }) => stage.name);
  const destroys = stages.some(({ stage }) => stage.manual && stage.work.kind === "destroy");
  const regions = stages.flatMap(({ needs }) => needs.region ?? []);
  const settings = [
    ...stages.flatMap(({ needs }) => needs.settings),
    ...(regions.length === 0 ? [] : listAwsSettings(storedKeys, regions)),
  ];
  const delivery = printWorkflow({
    name: "ci-cd",
    on: {
      push: { branches: ["main", ...(destroys ? ["infra-destroy"] : [])] },
      ...(manual.length === 0
        ? {}
        : {
            workflow_dispatch: {
              inputs: {
                stage: {
                  description: "A stage that runs by hand",
                  type: "choice",
                  required: true,
                  options: manual,
                },
              },
            },
          }),
    },
    permissions: { contents: "read" },
    // A release that is under way is never cut off.
    concurrency: { group: `sesta-${pipeline.name}`, "cancel-in-progress": false },
    jobs,
  });
  const [region] = regions;
  return {
    files: [
      { name: "ci-cd.yml", text: delivery },
      ...(region === undefined
        ? []
        : [{ name: "terraform-backend.yml", text: buildStateWorkflow(region, storedKeys) }]),
    ],
    settings: unique(settings),
    notes: listNotes(input, region === undefined),
  };
}

function listAwsSettings(storedKeys: boolean, regions: readonly string[]): Setting[] {
  const login: Setting[] = storedKeys
    ? [
        { kind: "secret", name: "AWS_ACCESS_KEY_ID", what: "the id of an access key of the AWS account" },
        { kind: "secret", name: "AWS_SECRET_ACCESS_KEY", what: "the access key itself" },
      ]
    : [
        {
          kind: "variable",
          name: "AWS_ROLE_ARN",
          what: "the role that this repository may take on by OIDC, as in arn:aws:iam::123456789012:role/deploy",
        },
      ];
  const region: Setting[] = regions.some((one) => one.startsWith("${{"))
    ? [{ kind: "variable", name: "AWS_REGION", what: "the AWS region" }]
    : [];
  return [
    ...login,
    ...region,
    { kind: "variable", name: "TERRAFORM_STATE_BUCKET", what: "the S3 bucket that keeps Terraform's state" },
  ];
}

function listNotes({ pipeline, targets }: ExportInput, hasNoAws: boolean): string[] {
  const local = pipeline.stages.flatMap(({ work }) =>
    work.kind === "deploy" && (targets[work.service] ?? "local") === "local" ? [work.service] : [],
  );
  return [
    ...[...new Set(local)].map(
      (service) =>
        `${service} is on target local: in a workflow that is the runner, which is gone when the job ends`,
    ),
    ...(hasNoAws ? ["nothing of this is on AWS, so there is no terraform-backend.yml"] : []),
  ];
}

function unique(settings: readonly Setting[]): Setting[] {
  const byName = new Map(settings.map((setting) => [`${setting.kind} ${setting.name}`, setting]));
  return [...byName.values()].toSorted(
    (one, other) => one.kind.localeCompare(other.kind) || one.name.localeCompare(other.name),
  );
}
