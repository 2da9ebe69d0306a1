//! The house keeps its own rules: short files, lines that rustfmt can format, names that every
//! system knows, folders that need only what is below them, and no two modules that need each
//! other. (Functions of at most 60 lines and 5 parameters are clippy's to count.)
//!
//! `cargo test -p workshop --test house -- --nocapture` prints the figures.

#![allow(clippy::unwrap_used)] // A test may end at any mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LINES_OF_A_FILE: usize = 350;
/// Beyond this, rustfmt leaves a whole function as it is, without a word.
const COLUMNS: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of the kit, but for what is built.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !path.is_dir() {
            found.push(path);
        } else if name != "target" && !name.starts_with('.') {
            found.extend(files(&path));
        }
    }
    found.sort();
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = files(folder);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files
}

/// Windows keeps some names for itself, whatever follows the dot. There, and on macOS, `A` is `a`.
#[test]
fn every_file_can_be_checked_out_on_every_system() {
    let root = root();
    let mut seen = BTreeSet::new();
    for path in files(&root) {
        let path = path.strip_prefix(&root).unwrap().to_str().unwrap().to_lowercase();
        for part in path.split(std::path::MAIN_SEPARATOR) {
            let stem = part.split('.').next().unwrap().trim_end();
            let numbered = stem.trim_end_matches(|c: char| c.is_ascii_digit());
            assert!(
                !["con", "prn", "aux", "nul"].contains(&stem)
                    && (stem == numbered || !["com", "lpt"].contains(&numbered))
                    && !part.contains(['<', '>', ':', '"', '|', '?', '*', '\\'])
                    && !part.ends_with(['.', ' ']),
                "Windows has no file called {path}"
            );
        }
        assert!(seen.insert(path.clone()), "only the case tells two files apart: {path}");
    }
}

#[test]
fn files_are_short_and_lines_are_formatted() {
    let root = root();
    let mut complaints = Vec::new();
    let (mut lines, mut longest) = (0, (0, PathBuf::new()));
    let files = sources(&root);
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(&root).unwrap();
        let length = text.lines().count();
        if name.starts_with("workshop/src") {
            lines += length;
        }
        longest = longest.max((length, name.to_owned()));
        if length > LINES_OF_A_FILE {
            complaints.push(format!("{} has {length} lines", name.display()));
        }
        for (index, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS {
                let place = format!("{}:{}", name.display(), index + 1);
                complaints.push(format!("{place} has {columns} columns"));
            }
        }
    }
    println!("{} files; workshop/src has {lines} lines; the longest: {longest:?}", files.len());
    assert!(files.len() > 100, "only {} files were found", files.len());
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Which modules of `cargo workshop` each of them names, from the crate's root. What a module's
/// tests name does not count, nor does a parent that declares its children.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let source = root().join("workshop/src");
    let module = |path: &Path| {
        let inside = path.strip_prefix(&source).unwrap().with_extension("");
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("::").trim_end_matches("::mod").to_owned()
    };
    let files = sources(&source);
    let modules: BTreeSet<String> = files.iter().map(|path| module(path)).collect();
    let mut imports = BTreeMap::new();
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let named = named(code).into_iter().filter_map(|path| {
            let mut parts: Vec<&str> = path.split("::").collect();
            while !parts.is_empty() && !modules.contains(&parts.join("::")) {
                parts.pop();
            }
            (!parts.is_empty()).then(|| parts.join("::"))
        });
        let own = module(path);
        imports.insert(own.clone(), named.filter(|other| *other != own).collect());
    }
    imports
}

/// The paths that begin with `crate::`, with those in braces one by one.
fn named(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let path = rest[..end.unwrap_or(rest.len())].trim_end_matches("::");
        match rest[path.len()..].strip_prefix("::{") {
            Some(braces) => {
                let braces = braces.split('}').next().unwrap();
                let inside = braces.split(',').map(str::trim).filter(|name| !name.is_empty());
                paths.extend(inside.map(|name| format!("{path}::{name}")));
            }
            None => paths.push(path.to_owned()),
        }
    }
    paths
}

#[test]
fn no_module_needs_one_that_needs_it() {
    let imports = imports();
    assert!(imports.len() > 50, "only {} modules were found", imports.len());
    let mut circles = BTreeSet::new();
    for start in imports.keys() {
        let mut open: Vec<Vec<&String>> = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while let Some(way) = open.pop() {
            for next in &imports[*way.last().unwrap()] {
                if next == start {
                    let mut circle: Vec<&str> = way.iter().map(|name| name.as_str()).collect();
                    circle.sort_unstable();
                    circles.insert(circle.join(" <-> "));
                } else if imports.contains_key(next) && seen.insert(next) {
                    open.push(way.iter().copied().chain([next]).collect());
                }
            }
        }
    }
    println!("{} modules, {} circles", imports.len(), circles.len());
    assert!(circles.is_empty(), "\n{}", circles.into_iter().collect::<Vec<_>>().join("\n"));
}

/// The folders and files of `workshop/src`, from below. Each may need those of the rows before.
const LAYERS: [&[&str]; 6] = [
    &["course", "exposition", "http", "terminal"],
    &["process"],
    &["learner"],
    &["check"],
    &["commands"],
    &["cli"],
];
/// `check` is a command, too: these are its face.
const COMMAND: [&str; 2] = ["check", "check::watch"];

#[test]
fn a_folder_needs_only_what_is_below_it() {
    let folder = |module: &str| module.split("::").next().unwrap().to_owned();
    let layer = |module: &str| match COMMAND.contains(&module) {
        true => LAYERS.iter().position(|row| row.contains(&"commands")),
        false => LAYERS.iter().position(|row| row.contains(&folder(module).as_str())),
    };
    let mut climbing = Vec::new();
    for (module, others) in imports() {
        let Some(own) = layer(&module) else { continue };
        let beyond = others.iter().filter(|other| folder(other) != folder(&module));
        for other in beyond {
            let at = layer(other).unwrap_or_else(|| panic!("{other} is in no layer"));
            if at > own || (at == own && !COMMAND.contains(&module.as_str())) {
                climbing.push(format!("{module} needs {other}"));
            }
        }
    }
    assert!(climbing.is_empty(), "\n{}", climbing.join("\n"));
}
