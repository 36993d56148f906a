// The sesta.yaml that `init` writes: what most people change, with a line on each.

export type LabAnswers = {
  /** The project's name. */
  name: string;
  /** Environment variable with the lab's password; without one only `open` lets in. */
  passwordEnv?: string;
  /** A duration, or `never`. */
  idle: string;
  packages: readonly string[];
};

/** A project with one lab. Loads without a problem when the answers are what the project file allows. */
export function buildLabTemplate({ name, passwordEnv, idle, packages }: LabAnswers): string {
  const hasPassword = passwordEnv !== undefined;
  return `# What this team works with. \`sesta plan\` shows what would happen, \`sesta up\` does it.
name: ${scalar(name)}

${hasPassword ? "" : "# "}secrets: # by reference only: a value never stands in this file
${hasPassword ? "" : "# "}  team_pass: { env: ${scalar(passwordEnv ?? "TEAM_PASS")} } # or { file: path } or { command: "pass show team" }
${hasPassword ? "  # " : "#   "}git_token: { env: GITHUB_TOKEN }

workloads:
  notebook: # its files are in the folder notebook/ beside this file
    type: lab
    ${hasPassword ? "" : "# "}password: \${secret.team_pass}
    idle: ${scalar(idle)} # sleeps after this long without use; or never
    # max_awake: 24h # sleeps after this long awake, even in use
    packages: [${packages.map(scalar).join(", ")}]
    # requirements: requirements.txt
    # python: "3.12"
    # port: 8471 # where people reach it; else the next free one
    # save: # every change of the files goes to a private repository, within seconds
    #   repo: https://github.com/acme/notebooks.git # or git@github.com:acme/notebooks.git, or a folder
    #   token: \${secret.git_token}
    #   exclude: ["*.ckpt"] # as in .gitignore
`;
}

/** A project with one job. @param name the project's */
export function buildJobTemplate(name: string): string {
  return `# What this team works with. \`sesta plan\` shows what would happen, \`sesta run train\` runs it.
name: ${scalar(name)}

# targets:
#   box: { type: ssh, hosts: [gpu-box] } # names of your ssh configuration, or { host: 10.0.0.5, user: ubuntu }

workloads:
  train: # runs in a copy of this folder, as .gitignore leaves it
    type: job
    # target: box # without it, on this machine
    run: echo "python train.py goes here"
    # python: requirements.txt # or [numpy, torch]
    # container: { build: . } # or { image: pytorch/pytorch:2.6.0 }, instead of python
    # data: [data] # sent once, kept there
    stdout: output.txt
    fetch: [output.txt] # also output/, *.png
    into: results/
    # timeout: 8h
    # gpus: 1 # such jobs wait in line for each other
`;
}

/** A project with one service and the pipeline that ships it. @param name the project's */
export function buildServiceTemplate(name: string): string {
  return `# What this team works with. \`sesta plan\` shows what would happen, \`sesta pipeline run\` ships it.
name: ${scalar(name)}

# targets:
#   box: { type: ssh, hosts: [gpu-box] } # names of your ssh configuration, or { host: 10.0.0.5, user: ubuntu }

workloads:
  web: # each release runs in a copy of this folder, as .gitignore leaves it
    type: service
    # target: box # without it, on this machine
    command: python3 -m http.server $PORT --bind 127.0.0.1 # as gunicorn --bind 127.0.0.1:$PORT src.app:app
    # build: . # a Dockerfile instead of command; or image: …, or model: model.onnx, which needs no application
    # python: requirements.txt # or [flask, gunicorn]
    port: 8080 # where people reach it
    health: / # a path that answers 200
    # replicas: 2
    # idle: 15m # sleeps after this long without requests; the next one wakes it

pipelines:
  web: # each stage in a clean copy of what is committed
    test: { run: echo "pytest goes here" } # requirements: requirements.txt
    # validate: { run: python validate.py, metric: { name: accuracy, pattern: "accuracy: ([0-9.]+)", min: 0.9 } }
    deploy: { deploy: web, needs: [test] }
`;
}

/** A project with a tracker and a job that reports to it. @param name the project's */
export function buildTrackerTemplate(name: string): string {
  return `# What this team works with. \`sesta plan\` shows what would happen, \`sesta up\` does it.
name: ${scalar(name)}

# secrets: # by reference only: a value never stands in this file
#   team_pass: { env: TEAM_PASS } # or { file: path } or { command: "pass show team" }

workloads:
  tracking: # MLflow with Postgres; asleep until somebody opens it, or a program logs to it
    type: tracker
    # password: \${secret.team_pass} # for the team, and as MLFLOW_TRACKING_TOKEN of programs
    idle: 40m # sleeps after this long without use; or never
    # artifacts: s3://acme-mlflow/artifacts # any location that MLflow knows; without it a folder of its own
    backup: # its database and artifacts as one file, in backups/tracking/
      keep: 7
      # every: 1d # or never; \`sesta backup tracking\` makes one now, \`sesta down\` always makes one first
      # passphrase: \${secret.backup_pass} # encrypts them
`;
}

const wordsOfYaml = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** As it is where YAML reads it as this text and nothing else, in double quotes otherwise. */
function scalar(text: string): string {
  return /^(?:[A-Za-z][A-Za-z0-9._-]*|\d+[dhms])$/.test(text) && !wordsOfYaml.test(text)
    ? text
    : JSON.stringify(text);
}
