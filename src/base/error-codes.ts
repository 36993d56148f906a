// The one catalogue of what can go wrong: its exit status, its HTTP status, and one line for the reference.

type CodeEntry = { exit: 1 | 2 | 75 | 130; http: number; summary: string };

export const errorCodes = {
  USAGE: { exit: 2, http: 400, summary: "The command line was not understood." },
  PROJECT_MISSING: { exit: 2, http: 404, summary: "There is no sesta.yaml where Sesta looked." },
  PROJECT_INVALID: {
    exit: 2,
    http: 400,
    summary: "sesta.yaml has problems; each is named with its line and column.",
  },
  PROJECT_UNREADABLE: { exit: 2, http: 500, summary: "sesta.yaml exists but cannot be read." },
  SECRET_MISSING: { exit: 2, http: 500, summary: "A secret's reference leads to nothing." },
  SECRET_COMMAND: { exit: 1, http: 500, summary: "The command that gives a secret failed." },
  UNKNOWN_WORKLOAD: { exit: 2, http: 404, summary: "No workload has this name." },
  UNKNOWN_TARGET: { exit: 2, http: 404, summary: "No target has this name." },
  TARGET_CHANGED: {
    exit: 1,
    http: 409,
    summary: "The file names another target than the one that the workload is up on.",
  },
  NOT_UP: { exit: 1, http: 503, summary: "The workload is declared but `sesta up` has not brought it up." },
  CONFIRMATION: { exit: 2, http: 400, summary: "A verb must ask and has no terminal to ask on." },
  BUSY: { exit: 75, http: 409, summary: "Another command holds the project's lock." },
  STALE_PLAN: { exit: 1, http: 409, summary: "What the plan was made from has changed since." },
  STATE_NEWER: { exit: 1, http: 500, summary: "The state folder was written by a newer Sesta." },
  STATE_DAMAGED: { exit: 1, http: 500, summary: "The state database cannot be read." },
  STATE_FOLDER: { exit: 1, http: 500, summary: "The state folder cannot be created or written." },
  DISK_FULL: { exit: 1, http: 507, summary: "There is not enough free space on the disk." },
  UV_MISSING: { exit: 1, http: 500, summary: "uv is not installed and could not be installed." },
  PYTHON_MISSING: { exit: 1, http: 500, summary: "python3 is needed and was not found." },
  ENVIRONMENT: { exit: 1, http: 500, summary: "The Python environment could not be made." },
  COMMAND_FAILED: { exit: 1, http: 500, summary: "A program that Sesta ran failed." },
  COMMAND_MISSING: { exit: 1, http: 500, summary: "A program that Sesta needs was not found." },
  SSH_CONNECTION: {
    exit: 1,
    http: 502,
    summary: "A host could not be reached over SSH, or the connection broke.",
  },
  HOST_KEY_CHANGED: {
    exit: 1,
    http: 502,
    summary: "A host shows another key than the one that the project pinned.",
  },
  HOST_KEY_UNKNOWN: {
    exit: 1,
    http: 502,
    summary: "A host's key has not been confirmed for this project yet.",
  },
  TRANSFER: { exit: 1, http: 502, summary: "Files could not be sent to a machine, or brought from it." },
  FETCH_TOO_LARGE: { exit: 1, http: 413, summary: "There is more to fetch than the limit allows." },
  SETUP_FAILED: { exit: 1, http: 500, summary: "A step that prepares a machine for a job failed." },
  PLAYBOOK_FAILED: {
    exit: 1,
    http: 500,
    summary: "A playbook failed: one of its tasks on a machine, or the playbook itself.",
  },
  UNKNOWN_RELEASE: { exit: 2, http: 404, summary: "The service has no such release to go back to." },
  DEPLOY_FAILED: {
    exit: 1,
    http: 500,
    summary: "A release did not become healthy; the one before it stays.",
  },
  UNKNOWN_RUN: { exit: 2, http: 404, summary: "No run has this id." },
  RUN_NOT_STARTED: { exit: 1, http: 502, summary: "A run could not be started on its machine." },
  SAVE_REMOTE: { exit: 1, http: 502, summary: "The remote that saves go to could not be used." },
  SAVE_HELD: {
    exit: 1,
    http: 409,
    summary: "Files vanished at once; they stay saved until somebody confirms.",
  },
  SAVE_MISSING: { exit: 1, http: 404, summary: "There is no save as it was asked for." },
  AGENT_UNREACHABLE: { exit: 1, http: 502, summary: "The agent on the machine does not answer." },
  AGENT_VERSION: { exit: 1, http: 502, summary: "The agent on the machine speaks another protocol version." },
  GATEWAY_UNREACHABLE: { exit: 1, http: 502, summary: "The project's gateway does not answer." },
  GATEWAY_RUNNING: { exit: 1, http: 409, summary: "The project's gateway already runs." },
  PORT_TAKEN: {
    exit: 1,
    http: 500,
    summary: "A port that belongs to the project is in use by another program.",
  },
  UNSAFE_ADDRESS: {
    exit: 2,
    http: 400,
    summary: "The gateway was asked to listen beyond this machine without protection.",
  },
  MODEL_REFUSED: {
    exit: 1,
    http: 500,
    summary: "A model could not be converted, or predicts otherwise than the original once it is.",
  },
  START_FAILED: { exit: 1, http: 503, summary: "The workload did not start." },
  FORBIDDEN: { exit: 1, http: 403, summary: "The request is not allowed." },
  UNSUPPORTED: { exit: 1, http: 501, summary: "This machine or target cannot do what was asked." },
  INTERRUPTED: { exit: 130, http: 500, summary: "Stopped by the user." },
} satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof errorCodes;
