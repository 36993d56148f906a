// Terraform's command line, or OpenTofu's, which takes the same. (https://developer.hashicorp.com/terraform/cli/commands)

/** The program: "terraform" or "tofu". */
export type Terraform = string;
type Argv = readonly [string, ...string[]];

/** What the user's own environment must not change about it. */
export const terraformEnv = {
  TF_IN_AUTOMATION: "1",
  TF_INPUT: "0",
  CHECKPOINT_DISABLE: "1",
  TF_CLI_ARGS: undefined,
  TF_CLI_ARGS_init: undefined,
  TF_CLI_ARGS_plan: undefined,
  TF_CLI_ARGS_apply: undefined,
  TF_CLI_ARGS_import: undefined,
  TF_CLI_ARGS_show: undefined,
  TF_DATA_DIR: undefined,
  TF_WORKSPACE: undefined,
  TF_LOG: undefined,
} as const;

/** A state, and an `errored.tfstate`, hold what resources are made of: nobody else reads them. */
export function buildPrivate(argv: Argv): Argv {
  return ["sh", "-c", 'umask 077; exec "$@"', "sh", ...argv];
}

/** Also writes down how it ended: whoever started it may be gone by then. Ctrl-C reaches Terraform alone. */
export function buildRecorded(argv: Argv, exitFile: string): Argv {
  const script = 'umask 077; trap : INT; out=$1; shift; "$@"; echo $? >"$out.new"; mv "$out.new" "$out"';
  return ["sh", "-c", script, "sh", exitFile, ...argv];
}

export function buildVersion(terraform: Terraform): Argv {
  return [terraform, "version", "-json"];
}

/** @param moves a state that is kept elsewhere by now is brought along */
export function buildInit(terraform: Terraform, { moves }: { moves: boolean }): Argv {
  const move = moves ? ["-migrate-state", "-force-copy"] : [];
  return [terraform, "init", "-no-color", "-input=false", "-lock-timeout=10s", ...move];
}

/** @param file where the plan is saved; applying that applies what was shown, or nothing */
export function buildPlan(terraform: Terraform, file: string, { destroy }: { destroy: boolean }): Argv {
  const mode = destroy ? ["-destroy"] : [];
  return [terraform, "plan", "-json", "-input=false", "-lock-timeout=10s", ...mode, `-out=${file}`];
}

export function buildShowPlan(terraform: Terraform, file: string): Argv {
  return [terraform, "show", "-json", file];
}

export function buildApply(terraform: Terraform, file: string): Argv {
  return [terraform, "apply", "-json", "-input=false", "-lock-timeout=10s", file];
}

export function buildImport(terraform: Terraform, address: string, id: string): Argv {
  return [terraform, "import", "-no-color", "-input=false", "-lock-timeout=10s", address, id];
}

/** Takes it from the state; in the cloud it stays. */
export function buildForget(terraform: Terraform, address: string): Argv {
  return [terraform, "state", "rm", "-lock-timeout=10s", address];
}

export function buildUnlock(terraform: Terraform, lock: string): Argv {
  return [terraform, "force-unlock", "-force", lock];
}

export function buildPull(terraform: Terraform): Argv {
  return [terraform, "state", "pull"];
}

/** Refused where the state has moved on since. */
export function buildPush(terraform: Terraform, file: string): Argv {
  return [terraform, "state", "push", "-lock-timeout=10s", file];
}

export function buildOutput(terraform: Terraform): Argv {
  return [terraform, "output", "-json"];
}
