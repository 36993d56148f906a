// Node's HTTP server as the front door needs it: strict, bounded, and with answers to what it could not read.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { buildMessage, type Answer } from "./answer.ts";
import type { DoorLimits, DoorOptions } from "./door.ts";

const headBytes = 16_384;

export function createNodeServer({ tls }: DoorOptions, limits: DoorLimits): Server {
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

/** @param code of the error that Node's parser gave */
export function buildParseAnswer(code: string | undefined): Answer {
  if (code === "HPE_HEADER_OVERFLOW") return buildMessage(431, "The request's headers are too large.");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return buildMessage(408, "The request took too long to arrive.");
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW")
    return buildMessage(413, "The chunk extensions are too large.");
  return buildMessage(400, "The request is not valid HTTP.");
}
