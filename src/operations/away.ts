// What a command for the whole project leaves out because its host is away: the others get what was asked for.
import { SestaError } from "../base/errors.ts";
import type { ErrorCode } from "../base/error-codes.ts";

/** Workloads that one host keeps waiting, in the order in which that was found. */
export type LeftOut = {
  names: readonly string[];
  /** As the project file calls it. */
  target: string;
  why: string;
  /** The one thing to do. */
  hint: string;
};

export type Away = {
  /**
   * Does something for workloads of one host.
   * @returns undefined where the host is away, now or when it was tried before
   * @throws SestaError whatever else goes wrong, and where workloads were named also that their host is away
   */
  attempt<Result>(workloads: readonly Placement[], work: () => Promise<Result>): Promise<Result | undefined>;
  has(name: string): boolean;
  list(): LeftOut[];
};

type Placement = { name: string; target: string };
type ProjectVerb = "plan" | "up" | "down";

/** @param names what the command was told to be about; none means all, and only then anything is left out */
export function createAway(verb: ProjectVerb, names: readonly string[]): Away {
  const found = new Map<string, Placement & { error: SestaError }>();
  return {
    async attempt(workloads, work) {
      if (workloads.every(({ name }) => found.has(name))) return undefined;
      try {
        return await work();
      } catch (error) {
        if (!isAway(error, verb)) throw error;
        if (names.length > 0) throw verb === "down" ? withWayOut(error, workloads) : error;
        for (const { name, target } of workloads) found.set(name, { name, target, error });
        return undefined;
      }
    },
    has: (name) => found.has(name),
    list() {
      const groups = Map.groupBy(found.values(), ({ target, error }) => `${target}: ${error.message}`);
      return [...groups.values()].flatMap((group) => {
        const [first] = group;
        const left = group.map(({ name }) => name);
        if (!first) return [];
        const { target, error } = first;
        return [{ names: left, target, why: error.message, hint: advise(verb, left, error) }];
      });
    },
  };
}

/** A host that cannot be reached, or that the project file does not name any more. One with another key is a hard stop. */
const awayCodes: readonly ErrorCode[] = ["SSH_CONNECTION", "UNKNOWN_TARGET"];

/** A plan asks nobody whether a key is to be trusted; that the other verbs were told no ends them. */
function isAway(error: unknown, verb: ProjectVerb): error is SestaError {
  if (!(error instanceof SestaError)) return false;
  return awayCodes.includes(error.code) || (verb === "plan" && error.code === "HOST_KEY_UNKNOWN");
}

function advise(verb: ProjectVerb, names: readonly string[], { hint }: SestaError): string {
  const again = `run \`sesta ${verb} ${names.join(" ")}\``;
  const way = verb === "down" ? `; ${describeWayOut(names)}` : "";
  return hint === undefined ? `When its host is back, ${again}${way}.` : `${hint} Then ${again}${way}.`;
}

function withWayOut(error: SestaError, workloads: readonly Placement[]): SestaError {
  const { code, message, hint = "Try again when its host is back.", where, problems } = error;
  const way = describeWayOut(workloads.map(({ name }) => name));
  const told = `${hint} ${way[0]?.toUpperCase()}${way.slice(1)}.`;
  return new SestaError(code, message, { hint: told, where, problems, cause: error });
}

function describeWayOut(names: readonly string[]): string {
  return `if it is gone for good, \`sesta down ${names.join(" ")} --forget\``;
}
