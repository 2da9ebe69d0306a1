//! Numbers for people.

/// A number as it is read most easily: digits in groups, and no more of them than matter.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value != 0.0 && !(1e-7..1e15).contains(&value.abs()) {
        return format!("{value:.3e}");
    }
    let digits = match value.abs() {
        size if size.fract() == 0.0 => 0,
        size if size >= 1000.0 => 1,
        size if size >= 1.0 => 3,
        size if size >= 0.01 => 4,
        size => 2 + -size.log10().floor() as usize,
    };
    let text = format!("{value:.digits$}");
    let (whole, broken) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let broken = broken.trim_end_matches('0');
    if broken.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{broken}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (1_234_567.0, "1,234,567"),
            (-1234.56, "-1,234.6"),
            (999.0, "999"),
            (0.15, "0.15"),
            (2.5, "2.5"),
            (182_424_000.0, "182,424,000"),
            (182_424_000.5, "182,424,000.5"),
            (0.012_345, "0.0123"),
            (0.001_234_5, "0.00123"),
            (-0.000_003_412, "-0.00000341"),
            (0.000_000_012, "1.200e-8"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (1_795_362_144.25, "1,795,362,144.2"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
