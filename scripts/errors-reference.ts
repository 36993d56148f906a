// The reference page of error codes, from their catalogue.
import { errorCodes } from "../src/base/error-codes.ts";

export function buildErrorsReference(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { exit, http, summary }]) =>
      `| \`${code}\` | ${exit} | ${http} | ${summary.replaceAll("|", "\\|")} |`,
  );
  return [
    "# Errors",
    "",
    "Generated from `src/base/error-codes.ts`. *Exit* is the exit code of the command, *HTTP* the status of the gateway's answer.",
    "",
    "| code | exit | HTTP | what it means |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
