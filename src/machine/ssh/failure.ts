// What ssh said when a connection did not come about or broke, as the error that says what to do.
import { SestaError } from "../../base/errors.ts";
import type { HostSection } from "../../model/target-section.ts";

/** Whether ssh refused the host's key. */
export function isKeyRefused(stderr: string): boolean {
  return /Host key verification failed|HOST IDENTIFICATION HAS CHANGED/.test(stderr);
}

/** An error of a connection. @param stderr of ssh */
export function explainConnection({ name, host }: HostSection, stderr: string): SestaError {
  const said = lastLine(stderr);
  if (/Permission denied|Too many authentication failures|no more authentication methods/i.test(said)) {
    return new SestaError("SSH_CONNECTION", `${name} does not let you in: ${said}`, {
      hint: `Make \`ssh ${host}\` work without a question: give the host its \`key:\`, or add it to your ssh agent.`,
    });
  }
  return new SestaError("SSH_CONNECTION", `${name} cannot be reached: ${said}`, {
    hint: `Check that it runs, and try \`ssh ${host}\`.`,
  });
}

/** A command whose connection went away while it ran. */
export function explainBreak({ name }: HostSection, program: string, stderr = ""): SestaError {
  const said = stderr.trim() === "" ? "" : `: ${lastLine(stderr)}`;
  return new SestaError("SSH_CONNECTION", `The connection to ${name} broke while ${program} ran${said}`, {
    hint: "Check the network, and try again.",
  });
}

/** Of what a program said; a sentence where it said nothing. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() || "ssh gave no reason";
}
