"""Stands between a run and a tracker that is reached over a connection: what the run logs while it is broken is kept.

usage: python3 relay.py FOLDER PORT

Listens on a free loopback port, which it writes to FOLDER/running after its process id, and passes everything on to PORT of this machine. While
nobody answers there, writes of clients that the tracker has let in are answered at once and kept in FOLDER/spool, in their order; they are
sent as soon as somebody answers. Other requests wait for that, and are refused in the end. Ends when FOLDER is gone. Nothing but Python's own library: it runs where the run does.
"""

import hashlib
import http.client
import itertools
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, upstream = sys.argv[1], int(sys.argv[2])
spool = os.path.join(folder, "spool")

# A tracker that wakes first takes its time; a line that is dead without a word is noticed by that.
answer_seconds, write_seconds = 110, 30
hold_seconds = 100
retry_seconds = 1.0
block_bytes = 1024 * 1024  # more than this is not held in memory

api = "/api/2.0/mlflow/"
# To be done again is to be done once: MLflow knows a metric by its value, time and step.
writes = re.compile(re.escape(api) + r"runs/(log-metric|log-parameter|log-batch|set-tag|delete-tag|update|log-inputs|outputs)$")
artifact = re.compile(r"/api/2\.0/mlflow-artifacts/artifacts/.+")
# Those that a connection says of itself. (RFC 9110, 7.6.1)
own_headers = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade", "host"}


class Unreachable(Exception):
    pass


class Part:
    """A body that is too large for memory: the end of a file, as the spool has its files."""

    def __init__(self, path, skip):
        self.path, self.skip = path, skip
        self.size = os.path.getsize(path) - skip

    def open(self):
        file = open(self.path, "rb")
        file.seek(self.skip)
        return file


class Spool:
    """Requests in the order in which they came, each a file; what has a name without an ending is whole."""

    def __init__(self):
        os.makedirs(spool, mode=0o700, exist_ok=True)
        self.lock = threading.Lock()
        for name in os.listdir(spool):
            if not name.isdigit():
                self.remove(name)
        names = self.names()
        self.next = int(names[-1]) + 1 if names else 1

    def names(self):
        return sorted(name for name in os.listdir(spool) if name.isdigit())

    def is_empty(self):
        return not self.names()

    def write(self, head, chunks):
        """The file of a request, which is not kept yet."""
        descriptor, path = tempfile.mkstemp(".new", dir=spool)
        try:
            with open(descriptor, "wb") as file:
                line = json.dumps(head).encode() + b"\n"
                file.write(line)
                for chunk in chunks:
                    file.write(chunk)
        except BaseException:
            os.remove(path)
            raise
        return Part(path, len(line))

    def add(self, head, body):
        part = body if isinstance(body, Part) else self.write(head, [body])
        with open(part.path, "rb") as file:
            os.fsync(file.fileno())
        with self.lock:
            os.rename(part.path, os.path.join(spool, f"{self.next:09d}"))
            self.next += 1

    def read(self, name):
        path = os.path.join(spool, name)
        with open(path, "rb") as file:
            line = file.readline()
        return json.loads(line), Part(path, len(line))

    def remove(self, name):
        os.remove(os.path.join(spool, name))


class Known:
    """What a relay that is killed would forget: whom the tracker has let in, everybody on the machine reaches this port; and what it last said of each run, for clients that ask while nobody answers."""

    def __init__(self):
        self.file = os.path.join(folder, "known")
        self.lock = threading.Lock()
        try:
            with open(self.file) as file:
                self.admitted, self.runs = json.load(file)
        except (OSError, ValueError):
            self.admitted, self.runs = [], {}

    def admit(self, shown):
        if shown not in self.admitted:
            self.admitted.append(shown)
            self.save()

    def remember(self, run):
        key = run["run"]["info"]["run_id"]
        is_new = key not in self.runs
        self.runs[key] = run
        if is_new:
            self.save()

    def save(self):
        with self.lock:
            with open(f"{self.file}.new", "w") as file:
                json.dump([self.admitted, self.runs], file)
            os.rename(f"{self.file}.new", self.file)


def send(method, path, headers, body, seconds):
    """@returns of a long answer what it is to be read from @raises Unreachable where nobody is there, also where somebody says so for the tracker"""
    connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=seconds, blocksize=block_bytes)
    try:
        if isinstance(body, Part):
            with body.open() as file:
                connection.request(method, path, body=file, headers={**headers, "Content-Length": str(body.size)})
        else:
            connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        if answer.status in (502, 503, 504):
            raise Unreachable(f"{answer.status}")
        total = answer.length
        content = answer.read(block_bytes + 1)
        if len(content) > block_bytes and answer.status < 400:
            return answer.status, answer.getheaders(), Stream(connection, answer, content, total)
        content += answer.read()
        if answer.length:
            raise Unreachable("the answer is cut short")
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise Unreachable(str(error))
    except Unreachable:
        connection.close()
        raise
    connection.close()
    return answer.status, answer.getheaders(), content


class Stream:
    """The content of an answer that is too long for memory. Its length is None where nobody knows it."""

    def __init__(self, connection, answer, first, length):
        self.connection, self.answer, self.first, self.length = connection, answer, first, length

    def __iter__(self):
        try:
            yield self.first
            for chunk in iter(lambda: self.answer.read(block_bytes), b""):
                yield chunk
        finally:
            self.connection.close()


def deliver():
    """In their order, for ever: one that the tracker refuses is let go, as its client would have been told so."""
    while os.path.isdir(spool):
        try:
            for name in kept.names():
                (method, path, headers), body = kept.read(name)
                status, _, content = send(method, path, headers, body, answer_seconds)
                if status >= 400:
                    print(f"the tracker refused {method} {path}: {status} {content[:300]!r}", file=sys.stderr, flush=True)
                kept.remove(name)
        except (OSError, Unreachable):
            pass  # nobody is there, or the folder is being removed
        time.sleep(retry_seconds)
    os._exit(0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body of an answer waits until the client's system has said that it has the headers

    def log_message(self, *_):
        pass

    def handle_any(self):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in own_headers}
        self.head = [self.command, self.path, headers]
        self.shown = hashlib.sha256(self.headers.get("Authorization", "").encode()).hexdigest()
        body = None
        try:
            body = self.read_body()
            self.pass_on(headers, body)
        except (OSError, ValueError, http.client.HTTPException, Unreachable):  # also a full disk: it hears nothing, and asks again
            self.close_connection = True
        finally:
            if isinstance(body, Part) and os.path.exists(body.path):
                os.remove(body.path)

    def pass_on(self, headers, body):
        path = self.path.split("?")[0]
        keeps = (self.command == "POST" and writes.match(path)) or (self.command == "PUT" and artifact.match(path))
        if keeps and self.shown in known.admitted:
            return self.write(headers, body)
        until = time.monotonic() + hold_seconds
        while True:
            try:
                status, answered, content = send(self.command, self.path, headers, body, answer_seconds)
                if status < 400:
                    known.admit(self.shown)
                self.remember(path, status, content)
                return self.answer(status, answered, content)
            except Unreachable:
                run = self.recall(path)
                if run is not None:
                    return self.answer(200, [("Content-Type", "application/json")], json.dumps(run).encode())
                if time.monotonic() > until:
                    return self.answer(503, [("Retry-After", "5")], b'{"message": "The tracker is not reached."}')
                time.sleep(retry_seconds)

    def write(self, headers, body):
        # Behind what is kept already, so that the last word stays the last.
        if kept.is_empty():
            try:
                status, answered, content = send(self.command, self.path, headers, body, write_seconds)
                return self.answer(status, answered, content)
            except Unreachable:
                pass
        kept.add(self.head, body)
        self.answer(200, [("Content-Type", "application/json")], json.dumps(self.accept(body)).encode())

    def accept(self, body):
        """What the tracker would say; only `update` says something."""
        if not self.path.endswith("runs/update"):
            return {}
        change = json.loads(body or b"{}")
        run = known.runs.get(change.get("run_id"))
        if run is None:
            return {"run_info": change}
        run["run"]["info"].update({name: change[name] for name in ("status", "end_time", "run_name") if name in change})
        return {"run_info": run["run"]["info"]}

    def remember(self, path, status, content):
        if status == 200 and path == f"{api}runs/get":
            known.remember(json.loads(content))

    def recall(self, path):
        if path != f"{api}runs/get" or self.shown not in known.admitted:
            return None
        found = re.search(r"[?&]run_id=([0-9a-f]+)", self.path)
        return known.runs.get(found.group(1)) if found else None

    def read_body(self):
        chunks = self.read_chunks()
        first = []
        for chunk in chunks:
            first.append(chunk)
            if sum(map(len, first)) > block_bytes:
                self.require_admitted()
                return kept.write(self.head, itertools.chain(first, chunks))
        return b"".join(first)

    def require_admitted(self):
        """No file for a stranger, who could fill the disk with it."""
        if self.shown not in known.admitted:
            status, _, _ = send("GET", f"{api}experiments/search?max_results=1", self.head[2], None, answer_seconds)
            if status >= 400:
                raise PermissionError(status)
            known.admit(self.shown)

    def read_chunks(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            yield from self.read_exactly(int(self.headers.get("Content-Length", 0) or 0))
            return
        read_size = lambda: int(self.rfile.readline().split(b";")[0], 16)
        for size in iter(read_size, 0):
            yield from self.read_exactly(size)
            self.rfile.readline()
        self.rfile.readline()

    def read_exactly(self, size):
        while size > 0:
            chunk = self.rfile.read(min(size, block_bytes))
            if not chunk:
                raise ConnectionError("the request is cut short")
            size -= len(chunk)
            yield chunk

    def answer(self, status, headers, content):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in own_headers and name.lower() not in ("date", "server"):
                self.send_header(name, value)
        if not isinstance(content, Stream):
            length, content = len(content), [content]
        elif content.length is None and self.request_version == "HTTP/1.0":
            content = [b"".join(content)]
            length = len(content[0])
        else:
            length = content.length
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        sent = 0
        for chunk in content:
            self.wfile.write(chunk if length is not None else b"%x\r\n%b\r\n" % (len(chunk), chunk))
            sent += len(chunk)
        if length is None:
            self.wfile.write(b"0\r\n\r\n")
        elif sent < length:
            raise ConnectionError("the answer is cut short")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any


def serve(listener):
    global kept, known
    kept, known = Spool(), Known()
    server = ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    threading.Thread(target=deliver, daemon=True).start()
    fresh = os.path.join(folder, "running.new")
    with open(fresh, "w") as file:
        file.write(f"{os.getpid()} {listener.getsockname()[1]}\n")
    os.rename(fresh, os.path.join(folder, "running"))
    server.serve_forever()


def main():
    """Whichever of the two processes is killed, the program finds the port that it was told."""
    os.umask(0o077)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    while True:
        child = os.fork()
        if child == 0:
            return serve(listener)
        os.waitpid(child, 0)
        if not os.path.isdir(folder):
            return
        time.sleep(retry_seconds)


main()
