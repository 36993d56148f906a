// The section of a service as a zod schema.
import { z } from "zod";
import * as fields from "./fields.ts";
import { field, Refusal } from "./fields.ts";
import { envMapping, image, jobPython, wholeNumber } from "./job-fields.ts";
import { size } from "./save-schema.ts";
import { letsEncrypt } from "./resolve-service.ts";
import { directory, domain, email, health, metricsPath } from "./service-fields.ts";

/** The message of the issue that a service has none or several of the ways to run it. */
export const oneService = "one-service";
const sources = ["command", "build", "image", "model"] as const;

const seconds = { minimumMs: 100, never: false } as const;

const certificate = z
  .strictObject({
    cert: fields.innerPath("the path of a certificate", { description: "The chain, as PEM." }).optional(),
    key: fields.innerPath("the path of a key", { description: "The private key, as PEM." }).optional(),
    acme: directory({
      description: "The ACME directory of the CA that vouches for `domain`; without files, Let's Encrypt.",
      default: letsEncrypt,
    }).optional(),
    email: email({ description: "Where that CA may write to." }).optional(),
    port: fields
      .port({ description: "Where the CA's question arrives; it asks port 80 of the domain.", default: 80 })
      .optional(),
  })
  .meta({
    title: "Certificate",
    description: "What it speaks TLS with: files, or the CA that `domain` gets a certificate from.",
  });

export const service = z
  .strictObject({
    type: z.literal("service").meta({ description: "A model service: replicas behind a balancer." }),
    target: fields
      .targetName({ description: "Where it runs; without it the project's `target`.", examples: ["box"] })
      .optional(),
    command: fields
      .script("a command like gunicorn -b :$PORT src.app:app", {
        description:
          "Given to `sh -c` in the release's own copy of the project's folder. It listens on `$PORT` of 127.0.0.1.",
        examples: ["gunicorn -b :$PORT src.app:app"],
      })
      .optional(),
    build: fields
      .innerPath("the path of a folder", {
        description: "The folder whose Dockerfile is built; `.` is the project's.",
        examples: ["."],
      })
      .optional(),
    image: image("an image like ghcr.io/acme/iris:1.4", {
      description: "The image that runs; pulled where the machine does not have it.",
      examples: ["ghcr.io/acme/iris:1.4"],
    }).optional(),
    model: fields
      .innerPath("the path of a model", {
        description:
          "A model that Sesta serves itself: an .onnx file, or a .pkl of scikit-learn, which is converted.",
        examples: ["iris.onnx", "iris_model.pkl"],
      })
      .optional(),
    rows: fields
      .innerPath("the path of a file", {
        description:
          "Rows (CSV, JSON or .npy) on which a converted model must predict what the original does; generated ones without it.",
        examples: ["rows.csv"],
      })
      .optional(),
    python: jobPython({
      description:
        "Python packages, in an environment of the release's own through uv: a requirements file, a list of packages, or a mapping of packages, requirements and version.",
      examples: ["requirements.txt", ["flask", "gunicorn"]],
    }).optional(),
    env: envMapping({
      description: "Variables of the replicas: text, or `${secret.NAME}`.",
      examples: [{ LOG_LEVEL: "info", API_KEY: "${secret.api_key}" }],
    }).optional(),
    replicas: wholeNumber(1, 64, { description: "How many of it run side by side.", default: 1 }).optional(),
    domain: domain({
      description:
        "The name by which people reach it: `https://DOMAIN/`, with a certificate from Let's Encrypt, whose terms you then agree to, unless `certificate` says otherwise. It then listens on all addresses and on port 443, unless `host` and `port` say otherwise.",
      examples: ["iris.example.org"],
    }).optional(),
    host: fields
      .address({
        description:
          "Where it is reached. Beyond this machine it needs a `password`, unless `auth: none` says otherwise.",
        default: "127.0.0.1",
      })
      .optional(),
    port: fields
      .port({
        description: "Where people reach it; without it the next free port from 8471, kept.",
        examples: [8080],
      })
      .optional(),
    app_port: fields
      .port({
        description:
          "Where the app listens in its container, on all its addresses; without it the one port that the image exposes, else 8080. The app finds it in `$PORT`.",
        examples: [8080],
      })
      .optional(),
    health: health({
      description:
        "The path that answers 200 when a replica can take requests; or a mapping of `path`, `start` (how long it may take until it answers, 60s), `every` (2s), `timeout` (2s) and `failures` (3): after so many in a row a replica gets no more requests, after twice as many it is started again.",
      default: "/health",
      examples: ["/health", { path: "/ready", start: "3m" }],
    }).optional(),
    auth: field(
      (input: unknown): "none" | "token" | Refusal =>
        input === "none" || input === "token" ? input : new Refusal("none or token"),
      {
        enum: ["none", "token"],
        shown: "none or token",
        description:
          "`token`: each request shows `password` as `Authorization: Bearer …`; the default beyond this machine.",
      },
    ).optional(),
    password: fields
      .secretReference({ description: "The token that guards it.", examples: ["${secret.iris_token}"] })
      .optional(),
    memory: size(
      { minimumBytes: 1024 },
      {
        description: "A replica that takes more is ended, and started again.",
        examples: ["512MB"],
      },
    ).optional(),
    cpus: field(
      (input: unknown): number | Refusal =>
        typeof input === "number" && input >= 0.05 && input <= 1024
          ? input
          : new Refusal("a number like 0.5 or 2"),
      { shown: "number", minimum: 0.05, description: "How many cores a replica may use.", examples: [1] },
    ).optional(),
    idle: fields
      .duration(
        { minimumMs: 1_000, never: true },
        {
          description: "Sleeps after this long without a request; the next one wakes it.",
          default: "never",
          examples: ["15m", "never"],
        },
      )
      .optional(),
    hold: fields
      .duration(seconds, { description: "How long a request waits while it wakes.", default: "30s" })
      .optional(),
    drain: fields
      .duration(seconds, {
        description: "How long requests to an old release may take to end.",
        default: "30s",
      })
      .optional(),
    stop: fields
      .duration(seconds, { description: "How long a replica has between TERM and KILL.", default: "10s" })
      .optional(),
    response: fields
      .duration(seconds, {
        description: "How long it may take to begin its answer.",
        default: "60s",
      })
      .optional(),
    max_body: size(
      { minimumBytes: 1024 },
      { description: "The longest body of a request.", default: "100MB" },
    ).optional(),
    retry: field(
      (input: unknown): "idempotent" | "all" | Refusal =>
        input === "idempotent" || input === "all" ? input : new Refusal("idempotent or all"),
      {
        enum: ["idempotent", "all"],
        shown: "idempotent or all",
        description:
          "Which requests go to another replica where theirs dies before it answers: those that by their method (not POST) or an `Idempotency-Key` may be asked twice, or `all`, for an app whose answers change nothing. A `model` has `all`.",
        default: "idempotent",
      },
    ).optional(),
    metrics: metricsPath({
      description: "Where the balancer tells Prometheus how it goes; `none` leaves the path to the app.",
      default: "/metrics",
    }).optional(),
    certificate: certificate.optional(),
  })
  .refine((value) => sources.filter((key) => value[key] !== undefined).length === 1, { error: oneService })
  .meta({
    title: "Service",
    description: "A model service: replicas behind a balancer, replaced release by release.",
  });
