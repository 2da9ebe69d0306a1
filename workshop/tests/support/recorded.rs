//! Recorded text: transcripts, screens, starters. `SNAPSHOTS=overwrite cargo test -p workshop`
//! records all of it again; `--test NAME` a part.
#![allow(dead_code, unreachable_pub)] // Each test uses its own part of it.

use std::path::Path;

use snapbox::assert::Action;
use snapbox::{Assert, Data};

fn assert() -> Assert {
    Assert::new().action_env("SNAPSHOTS").normalize_paths(false)
}

/// Everything is being recorded again.
pub fn recording() -> bool {
    assert().selected_action() == Action::Overwrite
}

/// Says how a text differs from what was recorded of it. `[..]` and `...` have no meaning there.
pub fn differs(path: &Path, text: &str) -> Option<String> {
    let (name, recorded) = (path.display(), Data::read_from(path, None).raw());
    let compared = assert().try_eq(Some(&name), Data::text(text).raw(), recorded);
    compared.err().map(|error| error.to_string())
}
