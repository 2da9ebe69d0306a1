//! gzip (RFC 1952), by a compressor that is kept: to set a new one up, a third of a megabyte, costs
//! more than to compress a usual page.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// The method is deflate, there is neither a name nor a time, and it was compressed fast.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

#[derive(Debug, Default)]
pub(super) struct Gzip {
    /// Whoever comes while it is in use takes a new one, and waits for nobody.
    compressor: Mutex<Option<DeflateEncoder<Vec<u8>>>>,
}

impl Gzip {
    pub(super) fn zip(&self, text: &[u8]) -> Vec<u8> {
        let kept = || self.compressor.lock().unwrap_or_else(PoisonError::into_inner);
        let compressor = kept().take();
        let mut compressor =
            compressor.unwrap_or_else(|| DeflateEncoder::new(HEADER.to_vec(), Compression::fast()));
        let mut zipped = compressor
            .write_all(text)
            .and_then(|()| compressor.reset(HEADER.to_vec()))
            .expect("writing to memory does not fail");
        *kept() = Some(compressor);
        let mut checksum = Crc::new();
        checksum.update(text);
        zipped.extend(checksum.sum().to_le_bytes());
        zipped.extend(checksum.amount().to_le_bytes());
        zipped
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::thread;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn each_text_is_unzipped_as_it_was_whatever_came_before() {
        let gzip = Gzip::default();
        let texts: Vec<String> = [0, 1, 100_000, 3, 2_000_000]
            .map(|length| (0..).map(|n: u32| n.to_string()).take(length / 5).collect())
            .into();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for text in &texts {
                        let zipped = gzip.zip(text.as_bytes());
                        let mut unzipped = String::new();
                        let mut decoder = GzDecoder::new(&zipped[..]);
                        decoder.read_to_string(&mut unzipped).unwrap();
                        assert!(&unzipped == text, "{} bytes", text.len());
                        assert!(decoder.into_inner().is_empty(), "something follows");
                    }
                });
            }
        });
    }
}
