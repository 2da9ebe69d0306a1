//! The files that the workshop restores: built in, so that no git, network or archive is needed.

use anyhow::Context;

/// Each file under its path from the root, with `\n` at its lines' ends on every system.
const FILES: &[(&str, &str)] = &[
    ("workshop/starters/section1.rs", include_str!("../../starters/section1.rs")),
    (
        "solutions/section3/answers.promql",
        include_str!("../../../solutions/section3/answers.promql"),
    ),
    ("workshop/starters/alerts.yml", include_str!("../../starters/alerts.yml")),
    ("solutions/section3/alerts.yml", include_str!("../../../solutions/section3/alerts.yml")),
    ("solutions/src/bin/section1.rs", include_str!("../../../solutions/src/bin/section1.rs")),
    ("solutions/src/bin/section2.rs", include_str!("../../../solutions/src/bin/section2.rs")),
    ("solutions/src/bin/section3.rs", include_str!("../../../solutions/src/bin/section3.rs")),
    ("solutions/src/bin/bonus.rs", include_str!("../../../solutions/src/bin/bonus.rs")),
    (
        "solutions/examples/empty_registry.rs",
        include_str!("../../../solutions/examples/empty_registry.rs"),
    ),
    (
        "solutions/examples/pre_created.rs",
        include_str!("../../../solutions/examples/pre_created.rs"),
    ),
    ("solutions/examples/raw_path.rs", include_str!("../../../solutions/examples/raw_path.rs")),
    ("solutions/examples/buckets.rs", include_str!("../../../solutions/examples/buckets.rs")),
];

/// The text of a file, as it was when the program was built.
pub fn text(path: &str) -> anyhow::Result<String> {
    FILES
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, text)| text.replace("\r\n", "\n"))
        .with_context(|| format!("sections.toml names {path}, which embedded.rs does not have"))
}
