// Ports: the one that was asked for or kept, else the next free one, which is then kept for ever.
import { messageOf, SestaError, systemCode } from "../base/errors.ts";

export type PortWish = {
  what: string;
  host: string;
  /** From the project file, or kept from before; it is not replaced by another. */
  fixed: number | undefined;
  /** Where the search begins. */
  first: number;
  /** Ports that belong to others, bound or not. */
  reserved: ReadonlySet<number>;
};

const searched = 200;

/** @throws SestaError PORT_TAKEN */
export async function listenOn(
  listen: (port: number, host: string) => Promise<number>,
  wish: PortWish,
): Promise<number> {
  const { what, host, fixed, first, reserved } = wish;
  if (fixed !== undefined) return listenFixed(listen, what, host, fixed);
  for (let port = first; port < first + searched; port++) {
    if (reserved.has(port)) continue;
    try {
      return await listen(port, host);
    } catch (error) {
      if (systemCode(error) !== "EADDRINUSE") throw refused(what, host, port, error);
    }
  }
  throw new SestaError("PORT_TAKEN", `No port from ${first} to ${first + searched - 1} is free for ${what}`, {
    hint: "End what listens there, or set `port:` in sesta.yaml.",
  });
}

async function listenFixed(
  listen: (port: number, host: string) => Promise<number>,
  what: string,
  host: string,
  port: number,
): Promise<number> {
  try {
    return await listen(port, host);
  } catch (error) {
    throw refused(what, host, port, error);
  }
}

function refused(what: string, host: string, port: number, cause: unknown): SestaError {
  const taken = systemCode(cause) === "EADDRINUSE";
  const reason = taken ? "another program uses it" : messageOf(cause);
  return new SestaError(
    "PORT_TAKEN",
    `Port ${port} on ${host}, which belongs to ${what}, cannot be opened: ${reason}`,
    {
      hint: taken
        ? `End that program, or set another \`port:\` for ${what} in sesta.yaml.`
        : "Set another `port:` in sesta.yaml.",
      cause,
    },
  );
}
