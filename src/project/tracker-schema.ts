// The section of a tracker as a zod schema.
import { z } from "zod";
import { findSecretName } from "../model/secret.ts";
import type { TrackerSection } from "../model/tracker.ts";
import * as fields from "./fields.ts";
import { field, Refusal } from "./fields.ts";
import { envMapping, findUnknownKey, wholeNumber } from "./job-fields.ts";

const databases = ["postgres", "sqlite"] as const;

export const backup = z
  .strictObject({
    keep: wholeNumber(1, 1000, {
      description: "How many are kept; the oldest go first.",
      default: 7,
      examples: [7],
    }).optional(),
    every: fields
      .duration(
        { minimumMs: 60_000, never: true },
        {
          description: "How often one is made by itself, where something was logged since the last one.",
          default: "1d",
          examples: ["1d", "6h", "never"],
        },
      )
      .optional(),
    passphrase: fields
      .secretReference({
        description: "Encrypts them, in the format of age; without it they lie there as they are.",
        examples: ["${secret.backup}"],
      })
      .optional(),
    into: fields
      .innerPath("the path of a folder", {
        description: "Where they are put; without it `backups/NAME`.",
        examples: ["backups/tracking"],
      })
      .optional(),
  })
  .meta({
    title: "Backup",
    description:
      "Sets of the database and of artifacts in the tracker's own folder, each tried out before it counts.",
  });

export const tracker = z
  .strictObject({
    type: z.literal("tracker").meta({ description: "MLflow with Postgres, woken by whoever logs to it." }),
    target: fields
      .targetName({ description: "Where it runs; without it the project's `target`.", examples: ["box"] })
      .optional(),
    password: fields
      .secretReference({
        description:
          "Guards it: in a browser, and as `MLFLOW_TRACKING_TOKEN` of a program. Without one, only `sesta open` and this project's jobs come in.",
        examples: ["${secret.team_pass}"],
      })
      .optional(),
    idle: fields
      .duration(
        { minimumMs: 1_000, never: true },
        {
          description: "Sleeps after this long without use; a page or a program that logs wakes it.",
          default: "40m",
          examples: ["40m", "never"],
        },
      )
      .optional(),
    port: fields
      .port({
        description: "Where people reach it; without it the next free port from 8471, kept.",
        examples: [5000],
      })
      .optional(),
    database: field(checkDatabase, {
      shown: "`postgres`, `sqlite` or mapping",
      description:
        "Where runs are kept: PostgreSQL (the machine's own, else one that comes with it), a file of SQLite, or `url`, the secret with the address of a database that is there already.",
      default: "postgres",
      examples: ["sqlite", { url: "${secret.database}" }],
    }).optional(),
    artifacts: fields
      .script("a location like s3://bucket/path", {
        description:
          "Where artifacts are kept: any location that MLflow knows, which no backup holds and no `down` removes; without it a folder of the tracker's own, which backups hold too.",
        examples: ["s3://acme-mlflow/artifacts"],
      })
      .optional(),
    packages: z
      .array(fields.requirement({ description: "A requirement specifier (PEP 508)." }))
      .max(500)
      .meta({
        description: "Python packages beside MLflow, as its store of artifacts may need one.",
        examples: [["boto3"]],
        shown: "list of packages",
        default: [],
      })
      .optional(),
    env: envMapping({
      description:
        "Variables of MLflow's process, as its store of artifacts needs them: text, or `${secret.NAME}`.",
      examples: [{ AWS_DEFAULT_REGION: "eu-central-1", AWS_SECRET_ACCESS_KEY: "${secret.bucket}" }],
    }).optional(),
    python: fields
      .pythonVersion({
        description:
          "Python version, in quotes; without it the machine's own, if that is one of 3.10 to 3.14.",
        examples: ["3.12"],
      })
      .optional(),
    backup: backup.optional(),
  })
  .meta({ title: "Tracker", description: "MLflow with Postgres: what jobs report to." });

function checkDatabase(input: unknown): TrackerSection["database"] | Refusal {
  const named = databases.find((one) => one === input);
  if (named !== undefined) return named;
  const expected = new Refusal("postgres, sqlite or { url: ${secret.NAME} }");
  if (typeof input !== "object" || input === null || !("url" in input)) return expected;
  const url = typeof input.url === "string" ? findSecretName(input.url) : undefined;
  return findUnknownKey(input, ["url"]) ?? (url === undefined ? expected : { url });
}
