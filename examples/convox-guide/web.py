"""Answers "Hello World!" to every request."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"Hello World!\n")

    def log_message(self, form, *values):
        print(form % values, flush=True)


port = int(os.environ.get("PORT", "3000"))
print(f"listening on {port}", flush=True)
ThreadingHTTPServer(("", port), Web).serve_forever()
