// Who a browser is to this project: the owner, or somebody who has logged in to some of its workloads.
import type { Household } from "./household.ts";
import type { Session, Sessions } from "./session.ts";

/** Raised when all owner cookies must end. */
export const ownerVersion = 1;

export type Visitor = {
  owner: boolean;
  /** The workloads that it may see and change. */
  names: readonly string[];
};

/** @param only the names that this origin shows */
export function findVisitor(
  household: Household,
  sessions: Sessions,
  cookie: string | undefined,
  only: (name: string) => boolean,
): Visitor {
  const names = household.list().flatMap(({ name }) => (only(name) ? [name] : []));
  const owner = sessions.findOwner(cookie, ownerVersion) !== undefined;
  return {
    owner,
    names: owner ? names : names.filter((name) => findSession(household, sessions, cookie, name)),
  };
}

/** The session that lets into one workload: its own, or the owner's. */
export function findSession(
  household: Household,
  sessions: Sessions,
  cookie: string | undefined,
  name: string,
): Session | undefined {
  if (cookie === undefined) return undefined;
  const secret = household.secretOf(name);
  const version = secret === undefined ? undefined : household.passwords().get(secret)?.version;
  const own = version === undefined ? undefined : sessions.find(cookie, name, version);
  return own ?? sessions.findOwner(cookie, ownerVersion);
}
