//! Adds forwarding headers to the HTTP/1 requests of a connection.

use std::net::IpAddr;

/// The maximum size of a request's head, in bytes. Longer ones are passed on unchanged.
const MAX_HEAD: usize = 64 * 1024;

/// A connection that starts differently is not HTTP/1.
const METHODS: [&str; 16] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
];

/// Replaced in every request. Like v3 racks, the gateway does not trust the values of clients.
const REPLACED: [&str; 2] = ["x-forwarded-for", "x-forwarded-proto"];

/// Rewrites the requests of a connection as they arrive, in pieces of any size.
#[derive(Debug)]
pub(super) struct RequestRewriter {
    state: State,
    /// An incomplete head or line.
    pending: Vec<u8>,
    /// The headers to add.
    headers: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the head of a request.
    Head,
    /// In a body, with this number of bytes left.
    Body(u64),
    /// In the size line of a chunk.
    ChunkSize,
    /// In a chunk and the line break after it, with this number of bytes left.
    Chunk(u64),
    /// In the trailers after the last chunk.
    Trailers,
    /// Not HTTP/1, or no longer: the rest is passed on unchanged.
    Done,
}

impl RequestRewriter {
    pub(super) fn new(client: IpAddr) -> Self {
        let headers = format!("X-Forwarded-For: {client}\r\nX-Forwarded-Proto: http\r\n");
        Self { state: State::Head, pending: Vec::new(), headers }
    }

    /// Rewrites a piece of input, and appends what is complete to `output`.
    pub(super) fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while !input.is_empty() {
            input = match self.state {
                State::Head => self.head(input, output),
                State::Body(left) => self.data(input, left, output, State::Body, State::Head),
                State::ChunkSize | State::Trailers => self.line(input, output),
                State::Chunk(left) => {
                    self.data(input, left, output, State::Chunk, State::ChunkSize)
                }
                State::Done => {
                    output.extend_from_slice(input);
                    &[]
                }
            };
        }
    }

    /// Appends what is incomplete at the end of the connection.
    pub(super) fn finish(&mut self, output: &mut Vec<u8>) {
        self.state = State::Done;
        output.append(&mut self.pending);
    }

    fn data<'a>(
        &mut self,
        input: &'a [u8],
        left: u64,
        output: &mut Vec<u8>,
        current: fn(u64) -> State,
        next: State,
    ) -> &'a [u8] {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (data, rest) = input.split_at(count);
        output.extend_from_slice(data);
        let left = left - data.len() as u64;
        self.state = if left == 0 { next } else { current(left) };
        rest
    }

    /// Reads a line of the framing of chunks, which is passed on unchanged.
    fn line<'a>(&mut self, input: &'a [u8], output: &mut Vec<u8>) -> &'a [u8] {
        let end = input.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        let (part, rest) = input.split_at(end.unwrap_or(input.len()));
        output.extend_from_slice(part);
        self.pending.extend_from_slice(part);
        if end.is_some() {
            let line = std::mem::take(&mut self.pending);
            self.state = after_line(self.state, &String::from_utf8_lossy(&line));
        } else if self.pending.len() > MAX_HEAD {
            self.pending.clear();
            self.state = State::Done;
        }
        rest
    }

    fn head<'a>(&mut self, input: &'a [u8], output: &mut Vec<u8>) -> &'a [u8] {
        let before = self.pending.len();
        self.pending.extend_from_slice(input);
        if !may_be_request(&self.pending) {
            self.finish(output);
            return &[];
        }
        let Some(end) = end_of_head(&self.pending, before) else {
            if self.pending.len() > MAX_HEAD {
                self.finish(output);
            }
            return &[];
        };
        let head = String::from_utf8_lossy(&self.pending[..end]).into_owned();
        if head.as_bytes() != &self.pending[..end] {
            // Not text, and so not to be rewritten as text.
            self.finish(output);
            return &[];
        }
        self.pending.clear();
        self.state = self.rewrite(&head, output);
        &input[end - before..]
    }

    /// Writes a head with the headers to add. Returns how its body is framed.
    fn rewrite(&self, head: &str, output: &mut Vec<u8>) -> State {
        let mut framing = Framing::default();
        for (number, line) in head.split_inclusive('\n').enumerate() {
            let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
            if number == 0 {
                framing.is_tunnel = line.starts_with("CONNECT ");
            } else if line.trim().is_empty() {
                output.extend_from_slice(self.headers.as_bytes());
            } else if REPLACED.contains(&name.as_str()) {
                continue;
            } else {
                let value = line.split_once(':').map_or("", |(_, value)| value.trim());
                framing.read(&name, value);
            }
            output.extend_from_slice(line.as_bytes());
        }
        framing.state()
    }
}

/// Returns whether a text may be the beginning of an HTTP/1 request.
fn may_be_request(text: &[u8]) -> bool {
    let starts = |method: &&str| {
        let method = method.bytes().chain([b' ']);
        text.iter().zip(method).all(|(byte, expected)| *byte == expected)
    };
    let first_line = text.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_http = || {
        let line = first_line.trim_ascii_end();
        line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
    };
    METHODS.iter().any(starts) && (!first_line.ends_with(b"\n") || is_http())
}

/// Returns the index after the blank line that ends a head. The bytes before `from` were searched
/// before.
fn end_of_head(text: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    let ends_at = |index: usize| {
        let rest = &text[index..];
        let length = [&b"\n\r\n"[..], b"\n\n"].iter().find(|end| rest.starts_with(end))?.len();
        Some(index + length)
    };
    (start..text.len()).find_map(ends_at)
}

fn after_line(state: State, line: &str) -> State {
    let line = line.trim();
    if state == State::Trailers {
        return if line.is_empty() { State::Head } else { State::Trailers };
    }
    let size = line.split(';').next().unwrap_or_default().trim();
    match u64::from_str_radix(size, 16).map(|size| (size, size.checked_add(2))) {
        Ok((0, _)) => State::Trailers,
        Ok((_, Some(with_line_break))) => State::Chunk(with_line_break),
        _ => State::Done,
    }
}

/// What the headers of a request say about its body (RFC 9112, section 6).
#[derive(Debug, Default)]
struct Framing {
    length: Option<String>,
    coding: Option<String>,
    is_tunnel: bool,
    is_invalid: bool,
}

impl Framing {
    fn read(&mut self, name: &str, value: &str) {
        match name {
            "content-length" => {
                let other = self.length.replace(value.to_owned());
                self.is_invalid |= other.is_some_and(|other| other != value);
            }
            "transfer-encoding" => self.coding = Some(value.to_ascii_lowercase()),
            "upgrade" => self.is_tunnel = true,
            _ => (),
        }
    }

    fn state(&self) -> State {
        if self.is_tunnel || self.is_invalid {
            return State::Done;
        }
        match (&self.coding, &self.length) {
            (Some(coding), _) if coding.ends_with("chunked") => State::ChunkSize,
            (Some(_), _) => State::Done,
            (None, None) => State::Head,
            (None, Some(length)) => match length.parse() {
                Ok(0) => State::Head,
                Ok(length) => State::Body(length),
                Err(_) => State::Done,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDED: &str = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\n";

    fn rewrite(text: &str, step: usize) -> String {
        let mut rewriter = RequestRewriter::new([10, 0, 0, 1].into());
        let mut output = Vec::new();
        text.as_bytes().chunks(step).for_each(|piece| rewriter.push(piece, &mut output));
        rewriter.finish(&mut output);
        String::from_utf8(output).unwrap()
    }

    fn get(headers: &str) -> String {
        format!("GET / HTTP/1.1\r\n{headers}\r\n")
    }

    #[test]
    fn requests_are_rewritten_however_they_are_cut_and_bodies_are_not() {
        let body = get("");
        let length = body.len();
        let chunk = format!("{length:x};x=y\r\n{body}\r\n0\r\nT: 1\r\n\r\n");
        let plain = format!("Content-Length: {length}\r\n");
        let chunked = "transfer-encoding: gzip, Chunked\r\n";
        let text = [get(&plain), body.clone(), get(chunked), chunk.clone(), get("A: b\r\n")];
        let expected = [
            get(&format!("{plain}{ADDED}")),
            body,
            get(&format!("{chunked}{ADDED}")),
            chunk,
            get(&format!("A: b\r\n{ADDED}")),
        ];
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(rewrite(&text.concat(), step), expected.concat(), "{step}");
        }
    }

    #[test]
    fn headers_of_the_client_are_replaced() {
        let text = get("x-forwarded-proto: https\r\nX-Forwarded-For : 6.6.6.6\r\nHost: a\r\n");
        assert_eq!(rewrite(&text, 5), get(&format!("Host: a\r\n{ADDED}")));
    }

    #[test]
    fn what_follows_an_upgrade_or_an_unclear_length_is_unchanged() {
        for header in [
            "Upgrade: websocket\r\n",
            "Content-Length: x\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Transfer-Encoding: gzip\r\n",
        ] {
            let text = get(header) + &get("");
            assert_eq!(rewrite(&text, 4), get(&format!("{header}{ADDED}")) + &get(""));
        }
    }

    #[test]
    fn other_protocols_and_endless_heads_are_unchanged() {
        let endless = get(&"A: b\r\n".repeat(MAX_HEAD)).replace("\r\n\r\n", "");
        for text in
            ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GETX / HTTP/1.1\r\n\r\n", "PING\r\n", &endless]
        {
            assert_eq!(rewrite(text, 1000), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_of_any_input_is_lost(text in "(GET / HTTP/1.1|[ A-Z0-9:;\r\n]|\r\n|content-length:|transfer-encoding:chunked|ä){0,30}", step in 1usize..9) {
            proptest::prop_assert_eq!(rewrite(&text, step).replace(ADDED, ""), text);
        }
    }
}
