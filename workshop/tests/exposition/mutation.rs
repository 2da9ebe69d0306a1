//! Texts that nobody thought of, made from the corpus.

use std::fmt::Write as _;

use workshop::exposition::{Exposition, parse};

use crate::cases;

/// What is read, written again, reads the same.
fn write_again(read: &Exposition) -> String {
    let mut text = String::new();
    for family in &read.families {
        let name = quoted_if_needed(&family.name);
        if let Some(help) = &family.help {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            writeln!(text, "# HELP {name} {help}").unwrap();
        }
        if family.type_line.is_some() {
            writeln!(text, "# TYPE {name} {}", family.kind).unwrap();
        }
        for sample in &family.samples {
            let mut labels: Vec<String> = sample
                .labels
                .iter()
                .map(|(name, value)| match name.contains(':') {
                    true => format!("{}={}", quoted(name), quoted(value)),
                    false => format!("{}={}", quoted_if_needed(name), quoted(value)),
                })
                .collect();
            let plain = quoted_if_needed(&sample.name) == sample.name;
            if !plain {
                labels.insert(0, quoted(&sample.name));
            }
            let name = if plain { sample.name.as_str() } else { "" };
            let value = match sample.value {
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                value => value.to_string(),
            };
            write!(text, "{name}{{{}}} {value}", labels.join(",")).unwrap();
            match sample.timestamp {
                Some(timestamp) => writeln!(text, " {timestamp}").unwrap(),
                None => text.push('\n'),
            }
        }
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn quoted_if_needed(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// The samples of an exposition, without their places. NaN is not equal to itself, so it is text.
fn content(read: &Exposition) -> Vec<String> {
    let families = read.families.iter().filter(|family| !family.samples.is_empty());
    families
        .flat_map(|family| {
            let head = format!("{} {} {:?}", family.name, family.kind, family.help);
            let samples = family.samples.iter();
            let samples =
                samples.map(|s| format!("{} {:?} {:?}", s.series(), s.value, s.timestamp));
            std::iter::once(head).chain(samples)
        })
        .collect()
}

/// Texts that nobody thought of: the corpus, torn apart and put together by a generator that is
/// the same in every run. Whatever comes out is read or refused, and what is read is understood.
#[test]
fn survives_mutation() {
    let corpus: Vec<Vec<u8>> = cases().into_iter().map(|(_, text)| text).collect();
    let rounds: usize =
        std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(60_000);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..rounds {
        let text = mutated(&corpus, &mut random);
        match parse(&text) {
            Ok(read) => {
                taken += 1;
                let again = write_again(&read);
                let read_again = parse(again.as_bytes())
                    .unwrap_or_else(|error| panic!("{error}\n{again}\n{text:?}"));
                assert_eq!(content(&read), content(&read_again), "{text:?}\n{again}");
            }
            Err(error) => {
                refused += 1;
                // The place is in the text, whatever the text is.
                let lines = String::from_utf8_lossy(&text).split('\n').count();
                assert!((1..=lines).contains(&error.line), "{error} in {text:?}");
                assert!(error.column <= error.text.chars().count() + 1, "{error} in {text:?}");
                assert!(error.excerpt().lines().count() == 2, "{error:?}");
            }
        }
    }
    assert!(taken > rounds / 20 && refused > rounds / 20, "{taken} taken, {refused} refused");
}

struct Random(u64);

impl Random {
    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"\n",
        b"{",
        b"}",
        b"\"",
        b"\\",
        b",",
        b"=",
        b" ",
        b"\t",
        b"# TYPE ",
        b"# HELP ",
        b"le=\"",
        b"NaN",
        b"\xff",
        "🌲".as_bytes(),
        b"_bucket",
    ];
    let mut text = corpus[random.below(corpus.len())].clone();
    text.truncate(600);
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        match random.below(5) {
            0 => text.truncate(at),
            1 if at < text.len() => drop(text.remove(at)),
            2 if at < text.len() => text[at] = random.below(256) as u8,
            3 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                let to = from + random.below((other.len() - from).min(80) + 1);
                text.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                text.splice(at..at, piece.iter().copied());
            }
        }
    }
    text
}
