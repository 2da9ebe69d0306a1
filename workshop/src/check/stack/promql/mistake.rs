//! A mistake in a query, in words.

/// What is wrong, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) found: String,
    pub(crate) cause: String,
}

pub(crate) fn mistake(found: impl Into<String>, cause: impl Into<String>) -> Mistake {
    Mistake { found: found.into(), cause: cause.into() }
}

/// A duration as PromQL writes it.
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    if (seconds - whole as f64).abs() > 1e-9 {
        return format!("{}ms", (seconds * 1000.0).round());
    }
    match whole {
        0 => "0s".to_owned(),
        whole if whole % 86_400 == 0 => format!("{}d", whole / 86_400),
        whole if whole % 3600 == 0 => format!("{}h", whole / 3600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        whole => format!("{whole}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_promql_writes_them() {
        for (value, text) in [
            (60.0, "1m"),
            (90.0, "90s"),
            (7200.0, "2h"),
            (86_400.0, "1d"),
            (0.5, "500ms"),
            (-120.0, "-2m"),
        ] {
            assert_eq!(seconds(value), text);
        }
    }
}
