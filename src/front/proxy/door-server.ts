// The front door's server: reads requests, asks its owner about each, and answers, forwards or tunnels it.
import { ServerResponse, type IncomingMessage } from "node:http";
import { Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { messageOf, systemCode } from "../../base/errors.ts";
import { buildMessage, sendAnswer, sendRawAnswer } from "./answer.ts";
import { buildClient, mayAnswerError, type Client } from "./client.ts";
import type { Decision, Door, DoorLimits, DoorOptions } from "./door.ts";
import { createEarlyBytes, type EarlyBytes } from "./early-bytes.ts";
import { Exchange, type ExchangeContext } from "./exchange.ts";
import { buildParseAnswer, createNodeServer } from "./node-server.ts";
import { checkRequest, type CheckedRequest } from "./request-check.ts";
import { createUpstreamPool } from "./upstream-pool.ts";

const defaults: DoorLimits = {
  headersMs: 10_000,
  bodyIdleMs: 120_000,
  keepAliveMs: 65_000,
  connectMs: 10_000,
};
const backlog = 2048;
const waitingLimit = 64;
const acceptWarningMs = 10_000;
const watchMs = 250;
/** What a refused request still sends is read for a while, since many clients look for the answer only then. */
const restMs = 30_000;

type Asked = {
  request: IncomingMessage;
  response: ServerResponse;
  checked: CheckedRequest;
  client: Client;
  early: EarlyBytes | undefined;
};

export function createDoorServer(options: DoorOptions): Door {
  const limits = { ...defaults, ...options.limits };
  const pool = createUpstreamPool(limits.connectMs);
  const clients = new Map<Socket, Client>();
  const context: ExchangeContext = {
    options,
    pool,
    done(client) {
      client.errand = undefined;
      if (client.last?.request.complete === false) boundRest(client.last.request);
      while (!client.errand && client.waiting.length > 0) client.waiting.shift()?.();
    },
  };
  let watcher: NodeJS.Timeout | undefined;
  const watch = () => {
    if (!options.responseMs || watcher) return;
    watcher = setInterval(() => {
      const now = options.clock.monotonic();
      for (const { errand } of clients.values()) errand?.watch(now);
      if (clients.size > 0) return;
      clearInterval(watcher);
      watcher = undefined;
    }, watchMs);
    watcher.unref();
  };

  const handle = (request: IncomingMessage, response: ServerResponse, early?: EarlyBytes): void => {
    const client = clients.get(request.socket);
    if (!client || client.closing) return;
    if (client.errand) {
      if (client.waiting.length >= waitingLimit) client.socket.destroy();
      else client.waiting.push(() => handle(request, response, early));
      return;
    }
    client.last = { request, response };
    const checked = checkRequest(request, client);
    if ("status" in checked) {
      client.closing = true;
      response.shouldKeepAlive = false;
      options.malformed?.(checked.status);
      sendAnswer(response, buildMessage(checked.status, checked.message));
      return;
    }
    const asked = { request, response, checked, client, early };
    try {
      act(asked, options.decide(checked.head));
    } catch (error) {
      failDecision(asked, error);
    }
  };

  const act = (asked: Asked, decision: Decision): void => {
    const { request, response, checked, client, early } = asked;
    if (decision.kind === "hold") return hold(asked, decision);
    if (checked.body !== undefined) watchBody(request, response, limits.bodyIdleMs);
    if (decision.kind === "refuse") {
      if (checked.body !== undefined) boundRest(request);
      sendAnswer(response, decision);
    } else if (decision.kind === "local") {
      if (checked.expectsContinue) response.writeContinue();
      options.local(request, response);
    } else {
      const { upstream, session, course } = decision;
      early?.hold();
      try {
        client.errand = new Exchange(
          { request, response, checked, upstream, session, course, client, early },
          context,
        );
      } catch (error) {
        course?.ended(500);
        throw error;
      }
    }
  };

  const hold = (asked: Asked, { session, wait }: Decision & { kind: "hold" }): void => {
    const { client, early } = asked;
    let isDecided = false;
    let forget = () => {};
    const errand = {
      session,
      watch() {},
      abort() {
        isDecided = true;
        client.errand = undefined;
        forget();
      },
    };
    client.errand = errand;
    early?.hold();
    forget = wait((decision) => {
      if (isDecided) return;
      isDecided = true;
      client.errand = undefined;
      try {
        act(asked, decision);
      } catch (error) {
        failDecision(asked, error);
      }
      if (!client.errand) context.done(client);
    });
  };

  const failDecision = ({ response, client }: Asked, error: unknown): void => {
    options.log.error("a request could not be handled", { error: messageOf(error) });
    if (response.headersSent) client.socket.destroy();
    else sendAnswer(response, buildMessage(500, "The front door failed."));
  };

  const server = createNodeServer(options, limits);
  server.on("request", (request, response) => handle(request, response));
  server.on("checkContinue", (request, response) => handle(request, response));
  server.on("connect", (_request, socket) => {
    options.malformed?.(405);
    sendRawAnswer(socket, buildMessage(405, "This method is not allowed."));
  });
  server.on("upgrade", (request, _socket, early) => {
    const client = clients.get(request.socket);
    if (!client || client.closing || client.errand || client.last?.response.writableFinished === false) {
      request.socket.destroy();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.on("finish", () => request.socket.destroySoon());
    handle(request, response, createEarlyBytes(request.socket, early));
  });
  server.on("clientError", (error, duplex) => {
    const client = clients.get(duplex as Socket);
    if (client?.closing) return;
    const answerable = client && mayAnswerError(client);
    if (client) {
      client.closing = true;
      client.errand?.abort();
    }
    if (!answerable) return void duplex.destroy();
    const answer = buildParseAnswer(systemCode(error));
    options.malformed?.(answer.status);
    sendRawAnswer(duplex, answer);
  });
  server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => {
    const client = buildClient(socket);
    clients.set(socket, client);
    watch();
    socket.on("error", () => {}); // a reset by the client concerns nobody; "close" follows
    socket.on("close", () => {
      clients.delete(socket);
      client.closing = true;
      client.errand?.abort();
    });
  });

  let warnedAt = -Infinity;
  let isWatched = false;
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
    accept(socket) {
      // Node looks after the time that heads take from this event on only, and it never listens itself.
      if (!isWatched && !server.listening) server.emit("listening");
      isWatched = true;
      server.emit("connection", socket);
    },
    renew(tls) {
      if (server instanceof TlsServer) server.setSecureContext(tls);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of clients.keys()) socket.destroy();
        clearInterval(watcher);
        pool.close();
      }),
    dropSessions(match) {
      for (const { socket, errand } of clients.values())
        if (errand && match(errand.session)) socket.destroy();
    },
    forget: pool.forget,
  };
}

/** Ends the connection when a body's bytes stop moving before it is whole. */
function watchBody(request: IncomingMessage, response: ServerResponse, idleMs: number): void {
  request.socket.setTimeout(idleMs);
  request.once("end", () => {
    if (!response.writableFinished) request.socket.setTimeout(0);
  });
}

/** A refused request's body is read to its end and forgotten, but not for ever. */
function boundRest(request: IncomingMessage): void {
  const { socket } = request;
  if (socket.destroyed) return;
  const timer = setTimeout(() => request.complete || socket.destroy(), restMs);
  timer.unref();
  request.once("close", () => clearTimeout(timer));
}
