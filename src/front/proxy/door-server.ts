// The front door's server: reads requests, asks its owner about each, and answers, forwards or tunnels it.
import { createServer, ServerResponse, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { messageOf, systemCode } from "../../base/errors.ts";
import { buildMessage, sendAnswer, sendRawAnswer } from "./answer.ts";
import { buildClient, mayAnswerError, type Client } from "./client.ts";
import type { Door, DoorLimits, DoorOptions } from "./door.ts";
import { Exchange, type ExchangeContext } from "./exchange.ts";
import { checkRequest } from "./request-check.ts";
import { createUpstreamPool } from "./upstream-pool.ts";

const defaults: DoorLimits = {
  headersMs: 10_000,
  bodyIdleMs: 120_000,
  keepAliveMs: 65_000,
  connectMs: 10_000,
};
const headBytes = 16_384;
const backlog = 2048;
const waitingLimit = 64;
const acceptWarningMs = 10_000;
const noBytes: Buffer = Buffer.alloc(0);

export function createDoorServer(options: DoorOptions): Door {
  const limits = { ...defaults, ...options.limits };
  const pool = createUpstreamPool(limits.connectMs);
  const clients = new Map<Socket, Client>();
  const context: ExchangeContext = {
    options,
    pool,
    done({ client }) {
      client.exchange = undefined;
      while (!client.exchange && client.waiting.length > 0) client.waiting.shift()?.();
    },
  };

  const handle = (request: IncomingMessage, response: ServerResponse, early = noBytes): void => {
    const client = clients.get(request.socket);
    if (!client || client.closing) return;
    if (client.exchange) {
      if (client.waiting.length >= waitingLimit) client.socket.destroy();
      else client.waiting.push(() => handle(request, response, early));
      return;
    }
    client.last = { request, response };
    const checked = checkRequest(request, client);
    if ("status" in checked) {
      client.closing = true;
      response.shouldKeepAlive = false;
      sendAnswer(response, buildMessage(checked.status, checked.message));
      return;
    }
    if (checked.body !== undefined) watchBody(request, response, limits.bodyIdleMs);
    try {
      const decision = options.decide(checked.head);
      if (decision.kind === "refuse") sendAnswer(response, decision);
      else if (decision.kind === "local") {
        if (checked.expectsContinue) response.writeContinue();
        options.local(request, response);
      } else {
        const { upstream, session } = decision;
        client.exchange = new Exchange(
          { request, response, checked, upstream, session, client, early },
          context,
        );
      }
    } catch (error) {
      options.log.error("a request could not be handled", { error: messageOf(error) });
      if (response.headersSent) client.socket.destroy();
      else sendAnswer(response, buildMessage(500, "The front door failed."));
    }
  };

  const server = createNodeServer(options, limits);
  server.on("request", handle);
  server.on("checkContinue", handle);
  server.on("connect", (_request, socket) =>
    sendRawAnswer(socket, buildMessage(405, "This method is not allowed.")),
  );
  server.on("upgrade", (request, _socket, early) => {
    const client = clients.get(request.socket);
    if (!client || client.closing || client.exchange || client.last?.response.writableFinished === false) {
      request.socket.destroy();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.on("finish", () => request.socket.destroySoon());
    handle(request, response, early);
  });
  server.on("clientError", (error, duplex) => {
    const client = clients.get(duplex as Socket);
    if (client?.closing) return;
    const answerable = client && mayAnswerError(client);
    if (client) {
      client.closing = true;
      client.exchange?.abort();
    }
    if (answerable) sendRawAnswer(duplex, buildParseAnswer(systemCode(error)));
    else duplex.destroy();
  });
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    const client = buildClient(socket);
    clients.set(socket, client);
    socket.on("error", () => {}); // a reset by the client concerns nobody; "close" follows
    socket.on("close", () => {
      clients.delete(socket);
      client.closing = true;
      client.exchange?.abort();
    });
  });

  let warnedAt = -Infinity;
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ port, host, backlog }, () => {
          server.off("error", reject);
          // From here on: no file descriptor for a new connection. The system sheds it; the others go on.
          server.on("error", (error) => {
            if (options.clock.monotonic() - warnedAt < acceptWarningMs) return;
            warnedAt = options.clock.monotonic();
            options.log.warn("a connection could not be accepted", { error: messageOf(error) });
          });
          resolve((server.address() as AddressInfo).port);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of clients.keys()) socket.destroy();
        pool.close();
      }),
    dropSessions(match) {
      for (const { socket, exchange } of clients.values())
        if (exchange && match(exchange.session)) socket.destroy();
    },
  };
}

function createNodeServer({ tls }: DoorOptions, limits: DoorLimits): Server {
  const settings = {
    insecureHTTPParser: false,
    requireHostHeader: false, // checked with the rest, and answered as JSON
    maxHeaderSize: headBytes,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
    requestTimeout: 0, // an upload may take hours; one that stands still is cut by watchBody
    keepAliveTimeout: limits.keepAliveMs,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    noDelay: true,
    optimizeEmptyRequests: true,
    shouldUpgradeCallback: (request: IncomingMessage) =>
      request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket",
  };
  return tls
    ? createTlsServer({
        ...settings,
        ...tls,
        ALPNProtocols: ["http/1.1"],
        handshakeTimeout: limits.headersMs,
      })
    : createServer(settings);
}

/** Ends the connection when a body's bytes stop moving before it is whole. */
function watchBody(request: IncomingMessage, response: ServerResponse, idleMs: number): void {
  request.socket.setTimeout(idleMs);
  request.once("end", () => {
    if (!response.writableFinished) request.socket.setTimeout(0);
  });
}

function buildParseAnswer(code: string | undefined) {
  if (code === "HPE_HEADER_OVERFLOW") return buildMessage(431, "The request's headers are too large.");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return buildMessage(408, "The request took too long to arrive.");
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW")
    return buildMessage(413, "The chunk extensions are too large.");
  return buildMessage(400, "The request is not valid HTTP.");
}
