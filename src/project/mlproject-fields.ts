// What a job says about an MLproject file: the entry point, and values for its parameters.
import { z } from "zod";
import { field, isLine, Refusal, type About } from "./fields.ts";

export const parameterName = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

export function projectEntry(about: About) {
  const check = (input: unknown): string | Refusal =>
    isLine(input) && !input.startsWith("-") && !input.includes("${")
      ? input
      : new Refusal("the name of an entry point like main, or a .py or .sh file");
  return field(check, { type: "string", shown: "name", ...about });
}

/** They stand in a command line, where everybody on the machine can read them: no secret belongs there. */
export function projectParameters(about: About) {
  const check = (input: unknown): string | Refusal => {
    if (typeof input === "number" || typeof input === "boolean") return String(input);
    if (typeof input === "string" && input.includes("${secret."))
      return new Refusal("text, a number, true or false", "a secret goes under `env`");
    return typeof input === "string" && !input.includes("\0")
      ? input
      : new Refusal("text, a number, true or false");
  };
  const value = field(check, { shown: "text or number", description: "Text, a number, true or false." });
  return z.record(z.string(), value).meta({ propertyNames: { pattern: parameterName.source }, ...about });
}
