// Where a CA asks whether a domain is ours (http-01), which is where browsers ask first: they are sent on to TLS.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { messageOf, systemCode } from "../../base/errors.ts";
import { findHostName } from "../../front/host.ts";

/** RFC 8555, section 8.3: a token is in base64url. */
const asked = /^\/\.well-known\/acme-challenge\/([\w-]{1,200})$/;

type Entry = { tlsPort: number };
type Port = { server: Server; domains: Map<string, Entry>; opened: Promise<string | null> };

export type ChallengePorts = ReturnType<typeof createChallengePorts>;

/** @param folder with an answer for each token */
export function createChallengePorts(folder: string) {
  const ports = new Map<string, Port>();

  async function answer(
    { domains }: Pick<Port, "domains">,
    { url = "", headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const [, token] = asked.exec(url) ?? [];
    if (token !== undefined) {
      const text = await readFile(join(folder, token), "utf8").catch(() => undefined);
      response.writeHead(text === undefined ? 404 : 200, { "content-type": "application/octet-stream" });
      return void response.end(text);
    }
    const domain = findHostName(headers.host);
    const port = domain === undefined ? undefined : domains.get(domain)?.tlsPort;
    if (port === undefined) return void response.writeHead(421).end();
    const location = `https://${domain}${port === 443 ? "" : `:${port}`}${url.startsWith("/") ? url : "/"}`;
    response.writeHead(308, { location }).end();
  }

  function open(key: string, host: string, port: number): Port {
    const domains = new Map<string, Entry>();
    const server = createServer(
      { headersTimeout: 10_000, requestTimeout: 10_000, maxHeaderSize: 16_384 },
      (request, response) => void answer({ domains }, request, response).catch(() => response.destroy()),
    );
    const opened = new Promise<string | null>((resolve) => {
      server.once("error", (error) => {
        ports.delete(key);
        const code = systemCode(error);
        const what =
          code === "EADDRINUSE"
            ? "something else listens there"
            : code === "EACCES"
              ? "ports below 1024 are root's; `certificate: { port: … }` names one that 80 leads to"
              : (code ?? messageOf(error));
        resolve(`port ${port}, where a CA asks, cannot be opened: ${what}`);
      });
      server.listen({ host, port }, () => {
        server.removeAllListeners("error").on("error", () => undefined);
        resolve(null);
      });
    });
    const made = { server, domains, opened };
    ports.set(key, made);
    return made;
  }

  return {
    /**
     * From then on questions about the domain are answered there, as soon as the port can be opened.
     * @param tlsPort where the domain is reached
     * @returns what takes it away again; `problem` tries again to open it, and says why that fails
     */
    join(host: string, port: number, domain: string, tlsPort: number) {
      const key = `${host} ${port}`;
      const entry = { tlsPort };
      const find = () => {
        const found = ports.get(key) ?? open(key, host, port);
        found.domains.set(domain, entry);
        return found;
      };
      return {
        problem: (): Promise<string | null> => find().opened,
        leave(): void {
          const found = ports.get(key);
          if (found?.domains.get(domain) === entry) found.domains.delete(domain);
          if (!found || found.domains.size > 0) return;
          ports.delete(key);
          found.server.close();
          found.server.closeAllConnections();
        },
      };
    },
  };
}
