use std::io;

const LETTERS: usize = 10;
/// The largest multiple of 26 that fits a byte; using larger values would bias the result.
const FAIR: u8 = 234;

/// Returns `first` followed by ten random capital letters: the form of build (`B`) and release
/// (`R`) ids on all racks.
pub(crate) fn random(first: char) -> io::Result<String> {
    let mut id = String::from(first);
    while id.len() <= LETTERS {
        let fair = bytes::<16>()?.into_iter().filter(|byte| *byte < FAIR);
        let missing = 1 + LETTERS - id.len();
        id.extend(fair.take(missing).map(|byte| char::from(b'A' + byte % 26)));
    }
    Ok(id)
}

/// Returns `N` random bytes as hexadecimal digits.
pub(crate) fn hex<const N: usize>() -> io::Result<String> {
    Ok(bytes::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_a_letter_and_ten_capitals() {
        for _ in 0..200 {
            let id = super::random('R').unwrap();
            assert!(id.len() == 11 && id.starts_with('R'), "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_uppercase()), "{id}");
        }
        assert_ne!(super::random('B').unwrap(), super::random('B').unwrap());
        assert_eq!(super::hex::<6>().unwrap().len(), 12);
    }
}
