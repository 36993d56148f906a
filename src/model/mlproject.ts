// An MLproject file as MLflow means it, and what a job says about one.

/** A job that runs an entry point in place of a command of its own. */
export type JobProject = {
  /** The folder of the MLproject file, in the sources; `.` is all of them. */
  folder: string;
  entry: string;
  /** Values of parameters, by name; what the command line gives goes before them. */
  parameters: Readonly<Record<string, string>>;
};

export type MlProject = {
  entries: Readonly<Record<string, EntryPoint>>;
  /** A path beside the MLproject file, as it is written there. */
  environment?: { kind: "conda_env" | "python_env"; file: string };
  /** It wants a container of an image of its own. */
  docker: boolean;
};

export type EntryPoint = {
  /** With `{NAME}` where a parameter goes, as Python's `str.format` has it. */
  command: string;
  parameters: Readonly<Record<string, EntryParameter>>;
};

export type EntryParameter = {
  type: "string" | "float" | "path" | "uri";
  /** Absent: it must be given. */
  value?: string;
};

/** Files of an environment that conda reads, by their name: `conda.yml`, `environment.yaml`. */
export function isCondaFile(file: string | undefined): boolean {
  return file !== undefined && /\.ya?ml$/i.test(file);
}
