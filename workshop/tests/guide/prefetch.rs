//! prefetch: what is fetched, and what is said when some of it cannot be.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::tree::{Ended, Tree, end};

/// A program that writes down how it was called, and then does what it is told to.
fn plant(tree: &Tree, name: &str, script: &str) {
    let log = tree.path("calls").display().to_string();
    let text = format!("#!/bin/sh\necho {name} \"$@\" >> '{log}'\n{script}\n");
    tree.write(&format!("bin/{name}"), &text);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(tree.path(&format!("bin/{name}")), executable).unwrap();
}

fn tree() -> Tree {
    let tree = Tree::new();
    plant(&tree, "cargo", "exit 0");
    plant(&tree, "rustc", "echo 'host: x86_64-unknown-linux-gnu'");
    plant(&tree, "docker", "exit 0");
    tree
}

fn prefetch(tree: &Tree, arguments: &[&str]) -> Ended {
    end(tree.command().arg("prefetch").args(arguments).env("PATH", tree.path("bin")))
}

#[test]
fn crates_builds_and_images_are_fetched() {
    let tree = tree();
    prefetch(&tree, &[]).expect(0, &["[ok] crates", "[ok] build", "[ok] images"]);
    let calls = tree.read("calls");
    let order = [
        "cargo fetch --locked --target x86_64-unknown-linux-gnu",
        "cargo build --offline -p section1-expose",
        "cargo build --offline -p bonus-histogram",
        "cargo build --offline -p solutions",
        "docker compose pull prometheus",
        "docker compose pull alertmanager",
        "docker compose pull grafana",
        "docker compose build",
    ];
    let compose = include_str!("../../../deploy/compose.yaml");
    for service in compose.lines().filter_map(|line| line.strip_suffix("-image")) {
        let service = service.rsplit('&').next().unwrap();
        assert!(order.contains(&&*format!("docker compose pull {service}")), "{service}");
    }
    let places: Vec<_> = order.iter().map(|call| calls.find(call).expect(call)).collect();
    assert!(places.is_sorted(), "{calls}");
}

#[test]
fn without_docker_all_else_is_fetched() {
    let tree = tree();
    fs::remove_file(tree.path("bin/docker")).unwrap();
    let said = ["[ok] build", "[--] images", "not installed", "sections 1, 2 and bonus work"];
    prefetch(&tree, &[]).expect(0, &said);
    plant(&tree, "docker", "test \"$1\" = info");
    prefetch(&tree, &[]).expect(0, &["[--] images", "Docker has no Compose"]);
    plant(&tree, "docker", "exit 1");
    prefetch(&tree, &[]).expect(0, &["[--] images", "Docker is not running"]);
}

#[test]
fn images_are_left_out_when_asked_for() {
    let tree = tree();
    prefetch(&tree, &["--no-images"]).expect(0, &["[--] images", "as you asked"]);
    assert!(!tree.read("calls").contains("docker"));
}

#[test]
fn a_part_that_fails_stops_no_other() {
    let tree = tree();
    plant(&tree, "cargo", "test \"$1\" != fetch && test \"$4\" != section2-counter");
    plant(&tree, "docker", "test \"$2\" != pull");
    let said = [
        "[XX] crates  `cargo fetch",
        "[XX] build   `cargo build --offline -p section2-counter` failed: see above",
        "all else was built",
        "[XX] images  `docker compose pull",
        "Next: cargo workshop doctor",
    ];
    prefetch(&tree, &[]).expect(1, &said);
    let calls = tree.read("calls");
    assert!(calls.contains("build --offline -p solutions") && calls.contains("compose build"));
}
