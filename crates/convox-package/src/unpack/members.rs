//! Reading the members of a tar one by one, with all the checks that untrusted input needs.

use std::io::{self, Read, Write};

use tar::{EntryType, Header, PaxExtensions};

use super::super::header::{RECORD, padding};
use super::super::names;
use super::error::{UnpackError, damaged};
use super::{Limits, MAX_NAME};

/// The longest PAX header: enough for a name, a target, and more.
const MAX_PAX: u64 = 64 << 10;

/// The type of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// A device or a FIFO.
    Special,
}

/// The header of a member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) path: Vec<u8>,
    /// The target of a link.
    pub(super) target: Vec<u8>,
    pub(super) kind: Kind,
    /// All mode bits, as in the archive.
    pub(super) mode: u32,
    pub(super) mtime: u64,
    size: u64,
}

impl Member {
    /// Makes absolute names relative. The target of a symlink is not a name in the archive.
    pub(super) fn strip_root(&mut self) {
        strip_slashes(&mut self.path);
        if self.kind == Kind::HardLink {
            strip_slashes(&mut self.target);
        }
    }
}

fn strip_slashes(name: &mut Vec<u8>) {
    let slashes = name.iter().take_while(|&&byte| byte == b'/').count();
    if slashes > 0 && slashes == name.len() {
        *name = b".".to_vec();
    } else {
        name.drain(..slashes);
    }
}

/// Reads members.
pub(super) struct Members<R> {
    input: R,
    limits: Limits,
    /// Bytes until the total limit.
    left: u64,
    count: u64,
    /// Unread content and padding of the current member.
    rest: u64,
}

/// The extension headers of the next member.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl<R: Read> Members<R> {
    pub(super) fn new(input: R, limits: &Limits) -> Self {
        Self { input, limits: *limits, left: limits.total, count: 0, rest: 0 }
    }

    /// Returns the next member; `None` at the end of the archive.
    pub(super) fn next(&mut self) -> Result<Option<Member>, UnpackError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else { return Ok(None) };
            self.count += 1;
            if self.count > self.limits.entries {
                return Err(UnpackError::TooMany(self.limits.entries));
            }
            match header.entry_type() {
                EntryType::GNULongName => extensions.path = Some(self.long_name(&header)?),
                EntryType::GNULongLink => extensions.target = Some(self.long_name(&header)?),
                EntryType::XHeader => self.read_pax(&header, &mut extensions)?,
                EntryType::XGlobalHeader => self.set_rest(header.entry_size().map_err(damaged)?),
                _ => return self.member(&header, extensions).map(Some),
            }
        }
    }

    /// Copies the whole content of the current member. Returns its length.
    pub(super) fn copy_content(
        &mut self,
        to: &mut impl Write,
        member: &Member,
    ) -> Result<u64, UnpackError> {
        let mut buffer = vec![0; 128 << 10];
        let mut left = member.size;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(buffer.len()).min(buffer.len());
            self.read(&mut buffer[..length])?;
            self.rest -= length as u64;
            left -= length as u64;
            to.write_all(&buffer[..length]).map_err(|e| UnpackError::io(&member.path, e))?;
        }
        Ok(member.size)
    }

    fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let mut header = Header::new_old();
        self.read(header.as_mut_bytes())?;
        if header.as_bytes().iter().all(|&byte| byte == 0) {
            return self.drain().map(|()| None);
        }
        let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        let bytes = header.as_bytes();
        let wanted = sum(&bytes[..148]) + 8 * u32::from(b' ') + sum(&bytes[156..]);
        match header.cksum() {
            Ok(found) if found == wanted => Ok(Some(header)),
            _ => Err(UnpackError::Damaged("a header's checksum is wrong".to_owned())),
        }
    }

    fn member(&mut self, header: &Header, more: Extensions) -> Result<Member, UnpackError> {
        let path = more.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = kind(header.entry_type(), &path, more.sparse)?;
        let size = match (kind, more.size) {
            (Kind::File, Some(size)) => size,
            (Kind::File, None) => header.entry_size().map_err(damaged)?,
            _ => 0, // some writers store the size of a link's target
        };
        if size > self.limits.entry {
            let entry = names::path(&path);
            return Err(UnpackError::EntryTooLarge { entry, limit: self.limits.entry });
        }
        let target = || header.link_name_bytes().map(|name| name.into_owned());
        self.set_rest(size);
        Ok(Member {
            target: more.target.or_else(target).unwrap_or_default(),
            mode: header.mode().map_err(damaged)?,
            mtime: header.mtime().unwrap_or(0),
            path,
            kind,
            size,
        })
    }

    fn long_name(&mut self, header: &Header) -> Result<Vec<u8>, UnpackError> {
        let size = header.entry_size().map_err(damaged)?;
        if size > MAX_NAME + 1 {
            let mut start = vec![0; RECORD];
            self.read(&mut start)?;
            return Err(UnpackError::name_too_long(&start, size - 1));
        }
        let mut name = self.extension(size)?;
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    fn read_pax(&mut self, header: &Header, more: &mut Extensions) -> Result<(), UnpackError> {
        let size = header.entry_size().map_err(damaged)?;
        if size > MAX_PAX {
            return Err(UnpackError::Damaged(format!("a PAX header has {size} bytes")));
        }
        let records = self.extension(size)?;
        let bad = || UnpackError::Damaged("a PAX record is invalid".to_owned());
        for record in PaxExtensions::new(&records) {
            let record = record.map_err(damaged)?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" => more.path = Some(value.to_vec()),
                b"linkpath" => more.target = Some(value.to_vec()),
                b"size" => {
                    let size = record.value().ok().and_then(|size| size.parse().ok());
                    more.size = Some(size.ok_or_else(bad)?);
                }
                key => more.sparse |= key.starts_with(b"GNU.sparse"),
            }
        }
        Ok(())
    }

    /// Reads the content of an extension header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, UnpackError> {
        let mut content = vec![0; usize::try_from(size).unwrap_or(0)];
        self.set_rest(size);
        self.read(&mut content)?;
        self.rest -= size;
        Ok(content)
    }

    fn set_rest(&mut self, size: u64) {
        let odd = usize::try_from(size % RECORD as u64).unwrap_or(0);
        self.rest = size.saturating_add(padding(odd) as u64);
    }

    fn skip_rest(&mut self) -> Result<(), UnpackError> {
        let mut buffer = [0; 4096];
        while self.rest > 0 {
            let length = usize::try_from(self.rest).unwrap_or(buffer.len()).min(buffer.len());
            self.read(&mut buffer[..length])?;
            self.rest -= length as u64;
        }
        Ok(())
    }

    /// Reads up to the end of the input, to verify gzip's checksums.
    fn drain(&mut self) -> Result<(), UnpackError> {
        let mut rest = self.input.by_ref().take(self.left.saturating_add(1));
        match io::copy(&mut rest, &mut io::sink()).map_err(damaged)? <= self.left {
            true => Ok(()),
            false => Err(UnpackError::TooLarge(self.limits.total)),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), UnpackError> {
        let left = self.left.checked_sub(buffer.len() as u64);
        self.left = left.ok_or(UnpackError::TooLarge(self.limits.total))?;
        self.input.read_exact(buffer).map_err(damaged)
    }
}

fn kind(kind: EntryType, path: &[u8], sparse: bool) -> Result<Kind, UnpackError> {
    let unsupported = |kind: String| UnpackError::Unsupported { entry: names::path(path), kind };
    match kind {
        _ if sparse => Err(unsupported("sparse file".to_owned())),
        // the oldest format marks directories by their slash alone
        EntryType::Regular if path.ends_with(b"/") => Ok(Kind::Directory),
        EntryType::Regular | EntryType::Continuous => Ok(Kind::File),
        EntryType::Directory => Ok(Kind::Directory),
        EntryType::Symlink => Ok(Kind::Symlink),
        EntryType::Link => Ok(Kind::HardLink),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Ok(Kind::Special),
        EntryType::GNUSparse => Err(unsupported("sparse file".to_owned())),
        other => Err(unsupported(format!("type {}", char::from(other.as_byte()).escape_default()))),
    }
}
