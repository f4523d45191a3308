//! Apps to deploy to a rack.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Returns a tar.gz of these files.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let mut gzip = tar.into_inner().unwrap();
    gzip.flush().unwrap();
    gzip.finish().unwrap()
}

/// Returns a web service that answers `text` followed by the value of GREETING.
pub(crate) fn web(text: &str) -> Vec<u8> {
    let manifest = "services:\n  web:\n    command: python3 web.py\n    port: 3000\n    environment:\n      - GREETING=\n";
    archive(&[("convox.yml", manifest), ("web.py", &WEB.replace("TEXT", text))])
}

const WEB: &str = r#"
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("TEXT" + os.environ.get("GREETING", "") + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        print("answered", self.path, flush=True)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// Returns an app of one service without a port that runs a shell script.
pub(crate) fn script(text: &str) -> Vec<u8> {
    let manifest = "services:\n  job:\n    command: sh job.sh\n";
    archive(&[("convox.yml", manifest), ("job.sh", text)])
}
