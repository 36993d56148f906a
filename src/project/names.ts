// What projects and workloads may be called: names that are safe in a path, a URL, a host name and a shell word.

export const projectNamePattern = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
export const workloadNamePattern = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** Words that the gateway's own routes begin with. */
export const reservedNames: readonly string[] = [
  "_sesta",
  "api",
  "assets",
  "favicon",
  "health",
  "login",
  "logout",
  "owner",
  "robots",
  "start",
  "static",
  "v1",
];

export const nameLetters =
  "lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen";

/** What was expected, or undefined when the name is good. */
export function projectNameProblem(name: string): string | undefined {
  return projectNamePattern.test(name) ? undefined : `a name of 3 to 40 ${nameLetters}`;
}

export function workloadNameProblem(name: string): string | undefined {
  if (reservedNames.includes(name)) return "another name: the gateway's own addresses begin with this word";
  return workloadNamePattern.test(name) ? undefined : `a name of 1 to 40 ${nameLetters}`;
}
