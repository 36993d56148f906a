// A launch that is small: one Python process that answers on its port, needs no environment, and ends when asked.
import { template } from "../../src/model/template.ts";
import type { Launch } from "../../src/model/launch.ts";

const server = `# Answers /health to whoever holds the token, and ends after a POST to /stop.
import http.server, os, sys, threading
port, token_file, runtime = sys.argv[1:4]
token = open(token_file).read()
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        known = self.headers.get("authorization") == "token " + token
        self.send_response(200 if known else 403)
        self.send_header("content-length", "0")
        self.end_headers()
        if known and self.command == "POST" and self.path == "/stop":
            threading.Thread(target=httpd.shutdown).start()
    do_GET = do_POST = answer
    def log_message(self, *args): pass
httpd = http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
open(os.path.join(runtime, "bound-%d" % os.getpid()), "w").close()
print("tiny answers on its port", flush=True)
httpd.serve_forever(0.02)
`;

export function buildTinyLaunch(name: string, more: Partial<Launch> = {}): Launch {
  return {
    name,
    type: "lab",
    title: "Tiny",
    process: {
      argv: [
        ["python3"],
        ["-I"],
        template`${{ place: "runtime" }}/server.py`,
        template`${{ place: "port" }}`,
        template`${{ place: "token_file" }}`,
        template`${{ place: "runtime" }}`,
      ],
      env: {},
      files: { "server.py": server },
      boundFile: "bound-{pid}",
      stopPath: "/stop",
      startTimeoutMs: 30_000,
      stopGraceMs: 5_000,
    },
    door: { home: "/", healthPath: "/health", tokenScheme: "token" },
    idle: { idleMs: null, maxAwakeMs: null, evidence: "none" },
    workspace: name,
    ...more,
  };
}
