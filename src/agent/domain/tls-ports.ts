// Ports that several domains share: whoever connects names one (SNI), and is handed to its door.
import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { SestaError } from "../../base/errors.ts";

export type Tenant = {
  /** In lower case. */
  domain: string;
  /** Undefined where there is no certificate: then nobody is let in. */
  context(): SecureContext | undefined;
  accept(socket: TLSSocket): void;
};

type Port = { server: Server; tenants: Map<string, Tenant>; opened: Promise<void> };

const handshakeMs = 10_000;
const backlog = 2048;

export type TlsPorts = ReturnType<typeof createTlsPorts>;

export function createTlsPorts() {
  const ports = new Map<string, Port>();

  function open(key: string, host: string, port: number): Port {
    const tenants = new Map<string, Tenant>();
    const find = (name: string | false | null): Tenant | undefined =>
      typeof name === "string" ? tenants.get(name.toLowerCase()) : undefined;
    const server = createServer({
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: handshakeMs,
      SNICallback(name, done) {
        const context = find(name)?.context();
        if (context) done(null, context);
        else done(new Error("there is no certificate"));
      },
    });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.on("secureConnection", (socket) => {
      const tenant = find(socket.servername);
      if (tenant) tenant.accept(socket);
      else socket.destroy();
    });
    const opened = new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host, backlog }, () => {
        server.off("error", reject);
        // No file descriptor for a new connection: the system sheds it, the others go on.
        server.on("error", () => undefined);
        resolve();
      });
    });
    const made = { server, tenants, opened };
    ports.set(key, made);
    opened.catch(() => ports.delete(key));
    return made;
  }

  return {
    /**
     * From then on the domain is answered there. Resolves with what takes it away again, and closes the port behind the last.
     * @throws SestaError PORT_TAKEN where another workload has that domain there; what `listen` says
     */
    async join(host: string, port: number, tenant: Tenant): Promise<() => void> {
      const key = `${host} ${port}`;
      const found = ports.get(key) ?? open(key, host, port);
      await found.opened;
      if (ports.get(key) !== found) return this.join(host, port, tenant); // its last domain left meanwhile
      const { domain } = tenant;
      if (found.tenants.has(domain)) {
        throw new SestaError("PORT_TAKEN", `${domain} is answered at ${host}:${port} already`, {
          hint: "Two services cannot have one domain: change one of them.",
        });
      }
      found.tenants.set(domain, tenant);
      return () => {
        if (found.tenants.get(domain) === tenant) found.tenants.delete(domain);
        if (found.tenants.size > 0) return;
        ports.delete(key);
        found.server.close();
      };
    },
  };
}
