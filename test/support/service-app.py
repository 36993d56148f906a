# An application of a service: answers who it is, and misbehaves as MODE or a request says.
import http.server
import json
import os
import signal
import sys
import time

VERSION = "one"
MODE = ""
hoard = []
begun = time.time()
garbled = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    def answer(self):
        global garbled
        self.rfile.read(int(self.headers.get("content-length") or 0))
        verb, _, value = self.path[1:].partition("/")
        if garbled:
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            self.close_connection = True
            return
        if verb == "health":
            return self.reply(500 if MODE == "unwell" else 200, "OK")
        if verb == "slow":
            time.sleep(float(value))
        elif verb == "leak":
            hoard.append(b"x" * int(value))
        elif verb == "garble":
            garbled = True
        elif verb == "exit":
            os._exit(int(value))
        elif verb == "file":
            return self.reply(200, open(value).read() if os.path.exists(value) else "none")
        elif verb == "env":
            return self.reply(200, os.environ.get(value, "none"))
        self.reply(200, json.dumps({"version": VERSION, "pid": os.getpid()}))

    do_GET = do_POST = answer

    def reply(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


print("version %s begins, its secret is not told" % VERSION, flush=True)
if MODE == "exits":
    print("the last words of %s" % VERSION, flush=True)
    sys.exit(3)
if MODE == "silent":
    time.sleep(600)
if MODE == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if MODE == "slow":
    time.sleep(1.5)
port = 0 if MODE == "elsewhere" else int(os.environ["PORT"])
Server(("127.0.0.1", port), Handler).serve_forever(0.05)
