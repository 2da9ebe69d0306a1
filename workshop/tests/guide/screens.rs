//! status, hint and solution: what stands on the learner's screen.

use workshop::learner::progress;

#[cfg(target_os = "linux")]
use crate::pty::Pty;
#[cfg(target_os = "linux")]
use crate::support::recorded;
use crate::support::{each_in_parallel, share};
use crate::tree::{Tree, course, of_section1};

const TWO: &str = "section2-counter/src/main.rs";
const PROGRESS: &str = ".workshop/progress.txt";

#[track_caller]
fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
}

#[test]
fn the_first_screen_shows_the_way_in() {
    let tree = Tree::new();
    let status = tree.run("");
    let minutes = format!("The tree counter workshop, {} minutes", course().minutes());
    status.expect(0, &[&minutes, "[>] section1", "[ ] section2", &of_section1(0)]);
    status.expect(0, &["First:  cargo workshop doctor", "Next:   cargo workshop check section1"]);
    status.expect(0, &[" 2  Mount a MetricsHandler at /metrics"]);
    fits(&status.out);
}

#[test]
fn status_follows_the_learner() {
    let tree = Tree::new();
    let (workspace, one) = (tree.workspace(), course().section("section1").unwrap());
    progress::record(&workspace, one, [&["builds", "serves-trees"], &[]], Some("metrics-status"))
        .unwrap();
    let status = tree.run("");
    status.expect(0, &[&of_section1(2), "[ ]  1  See", "[ ]  2  Mount"]);
    status.expect(
        0,
        &["Next:   cargo workshop check section1", "Stuck?  cargo workshop hint section1"],
    );
    assert!(!status.out.contains("doctor"));

    let all: Vec<&str> = one.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&workspace, one, [&all, &[]], None).unwrap();
    let two = course().section("section2").unwrap();
    let all: Vec<&str> = two.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&workspace, two, [&all, &[]], Some("builds")).unwrap();
    let minutes = two.minutes();
    tree.run("").expect(0, &[&format!("{minutes} min   does not build")]);
    progress::record(&workspace, two, [&all, &[]], Some("starts")).unwrap();
    tree.run("").expect(0, &[&format!("{minutes} min   does not run")]);

    for section in &course().sections {
        let all: Vec<&str> = section.checks().map(|(.., check)| check.slug.as_str()).collect();
        progress::record(&workspace, section, [&all, &[]], None).unwrap();
        fits(&tree.run("").expect(0, &[&format!("[x] {}", section.slug)]).out);
    }
    let end = tree.run("");
    end.expect(
        0,
        &["All of it is done.", "What took you the most tries", "cargo workshop mystery"],
    );
    end.expect(0, &["  2   the program builds\n", "  2   /metrics answers 200 (section1)"]);
    for section in &course().sections {
        assert!(end.out.contains(&format!("\n  {:<9} ", section.slug)), "{}", end.out);
    }
    fits(&end.out);
}

#[test]
fn hints_come_in_tiers_and_then_all_again() {
    let tree = Tree::new();
    let two = course().section("section2").unwrap();
    progress::record(&tree.workspace(), two, [&["requests-counter"], &[]], Some("labels")).unwrap();
    let place = "section2, step 1: Declare requests_total, at zero";
    tree.run("hint section2").expect(
        0,
        &[place, "Check: its labels are exactly status and endpoint", "Hint 1 of 3, a question"],
    );
    let second = tree.run("hint section2");
    second.expect(0, &["Hint 2 of 3, a pointer", "hint section2 (the shape of the code)"]);
    assert!(!second.out.contains("Hint 1"));
    tree.run("hint section2").expect(0, &["Hint 3 of 3", "cargo workshop solution section2"]);
    tree.run("hint section2").expect(0, &["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3"]);

    // Another check fails: its hints start anew; and the old ones are still given when it is back.
    progress::record(&tree.workspace(), two, [&[], &[]], Some("counts-visits")).unwrap();
    tree.run("hint section2").expect(0, &["Check: N visits raise one series by N", "Hint 1 of 3"]);
    progress::record(&tree.workspace(), two, [&["counts-visits", "labels"], &[]], None).unwrap();
    progress::record(&tree.workspace(), two, [&[], &[]], Some("labels")).unwrap();
    tree.run("hint section2")
        .expect(0, &["Check: its labels are exactly status and endpoint", "Hint 1 of 3"]);
}

/// Of one check, too: another mistake is another thing to find. The same one may be measured anew.
#[test]
fn hints_begin_again_with_another_mistake() {
    let tree = Tree::new();
    let two = course().section("section2").unwrap();
    progress::record(&tree.workspace(), two, [&[], &[]], Some("counts-visits")).unwrap();
    let hint = |cause: &str| {
        let finding = format!("{{\"expected\": \"3 more\", \"cause\": {cause:?}}}");
        let place = "\"section\": \"section2\", \"check\": \"counts-visits\"";
        tree.write(".workshop/finding.json", &format!("{{{place}, \"finding\": {finding}}}"));
        let shown = tree.run("hint section2").out;
        let tiers = shown.split("\nHint ").skip(1).map(|hint| hint[..1].parse().unwrap());
        tiers.collect::<Vec<u8>>()
    };
    assert_eq!(hint("After 0.3 s, it had risen by 2."), [1]);
    assert_eq!(hint("After 0.31 s, it had risen by 4."), [2]);
    assert_eq!(hint("Two arms count, and this one does not."), [1]);
    assert_eq!(hint("Two arms count, and this one does not."), [2]);
    assert_eq!(hint("After 0.3 s, it had risen by 2."), [1]);

    // A file of before says only how many there were.
    let lines = tree.read(PROGRESS);
    let (before, _) = lines.split_once(" hints counts-visits 1 ").unwrap();
    tree.write(PROGRESS, &format!("{before} hints counts-visits 1\n"));
    assert_eq!(hint("Two arms count, and this one does not."), [2]);
}

#[test]
fn a_hint_without_a_failure_is_for_the_next_check() {
    let tree = Tree::new();
    tree.run("hint section2")
        .expect(0, &["Check: requests_total is a counter, with help", "Nothing has failed yet"]);
    let two = course().section("section2").unwrap();
    let all: Vec<&str> = two.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&tree.workspace(), two, [&all, &[]], None).unwrap();
    tree.run("hint section2").expect(0, &["nothing to hint at"]);
}

#[test]
fn a_hint_about_the_build_names_the_package() {
    let tree = Tree::new();
    let two = course().section("section2").unwrap();
    progress::record(&tree.workspace(), two, [&[], &[]], Some("builds")).unwrap();
    let first = tree.run("hint section2");
    first.expect(0, &["section2: Count the requests\nCheck: the program builds"]);
    assert!(!first.out.contains("section1"), "{}", first.out);
    tree.run("hint section2").expect(0, &["cargo check -p section2-counter"]);
}

#[test]
fn a_hint_names_the_ports_that_were_moved() {
    let tree = Tree::new();
    let three = course().section("section3").unwrap();
    progress::record(&tree.workspace(), three, [&[], &[]], Some("requests-arrive")).unwrap();
    tree.write(".env", "APP_PORT=8051\nPROMETHEUS_PORT=9091\n");
    tree.run("hint section3").expect(0, &["http://localhost:9091/query"]);
    tree.run("hint section3").expect(0, &[]);
    tree.run("hint section3").expect(0, &["http://localhost:8051/metrics"]);
}

#[test]
fn every_hint_fits_on_the_screen() {
    each_in_parallel(&course().sections, |section| {
        let tree = Tree::new();
        for (.., check) in share(section.checks().collect(), 4) {
            progress::record(&tree.workspace(), section, [&[], &[]], Some(&check.slug)).unwrap();
            for _ in 0..4 {
                fits(&tree.run(&format!("hint {}", section.slug)).expect(0, &[&check.title]).out);
            }
        }
    });
}

#[test]
fn the_section_is_the_one_that_the_learner_is_in() {
    let tree = Tree::new();
    tree.run("hint").expect(0, &["section1, step 2", "Nothing has failed yet"]);
    tree.run_in("section2-counter/src", "hint").expect(0, &["section2, step 1"]);
    tree.run_in("bonus-histogram", "solution").expect(0, &["bonus-histogram/src/main.rs (yours)"]);
}

#[test]
fn whoever_skips_a_section_gets_the_hint_of_what_was_checked() {
    let tree = Tree::new();
    let two = course().section("section2").unwrap();
    progress::record(&tree.workspace(), two, [&["requests-counter"], &[]], Some("labels")).unwrap();
    tree.run("hint")
        .expect(0, &["section2, step 1", "Check: its labels are exactly status and endpoint"]);
    tree.run("")
        .expect(0, &["[ ] section1", "[>] section2", "Next:   cargo workshop check section2"]);
    let all: Vec<&str> = two.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&tree.workspace(), two, [&all, &[]], None).unwrap();
    tree.run("").expect(0, &["[>] section1", "[x] section2", "check section1"]);
}

#[test]
fn the_solution_is_shown_as_a_difference() {
    let tree = Tree::new();
    let shown = tree.run("solution section2");
    shown.expect(0, &["--- section2-counter/src/main.rs (yours)", "@@ "]);
    shown.expect(0, &["+++ solutions/src/bin/section2.rs", "\n+    requests: IntCounterVec,\n"]);
    shown.expect(0, &["-        // TODO step 2", "cargo run -p solutions --bin section2"]);
    assert!(!shown.out.contains("//! Section 2, solved"), "the header is no difference");
}

#[test]
fn one_step_of_the_solution_is_shown_alone() {
    let tree = Tree::new();
    let second = tree.run("solution s2 --step 2");
    second.expect(0, &["section2, step 2: Count each answer", ".inc();"]);
    assert!(!second.out.contains("IntCounterVec::new"), "{}", second.out);
    tree.run("solution section1 --step 4").expect(0, &["adds no line of code"]);
    tree.run("solution section3 --step 5").expect(0, &["[promql-by-status]"]);
    tree.run("solution section3 --step 9").expect(0, &["TooManyFailures"]);
    tree.run("solution section2 --step 4").expect(2, &["has the steps 1 to 3, and no step 4"]);
}

#[test]
fn what_was_reset_is_next() {
    let tree = Tree::new();
    tree.write(TWO, "fn main() {}\n");
    tree.run("reset 2 --yes").expect(0, &["cargo workshop check section2"]);
    tree.run("").expect(0, &["Next:   cargo workshop check section2"]);
}

#[test]
fn a_solved_file_is_the_solution_whatever_its_header_and_line_ends() {
    let tree = Tree::new();
    let solution =
        workshop::learner::starter::solution(&course().section("section2").unwrap().files[0]);
    let solution = solution.unwrap();
    for text in [
        solution.clone(),
        solution.replace('\n', "\r\n"),
        format!("//! Mine.\n\n{}", workshop::learner::starter::body(&solution)),
    ] {
        tree.write(TWO, &text);
        let shown = tree.run("solution section2");
        shown.expect(0, &["section2-counter/src/main.rs is the solution."]);
    }
}

#[test]
fn a_missing_file_differs_in_all_lines() {
    let tree = Tree::new();
    std::fs::remove_file(tree.path(TWO)).unwrap();
    tree.run("solution section2").expect(0, &["+#[tokio::main]"]);
}

/// What each command shows on a terminal, by the name of its record.
#[cfg(target_os = "linux")]
const SCREENS: [(&str, &str); 17] = [
    ("status", ""),
    ("hint", "hint section2"),
    ("solution", "solution section2"),
    ("answer", "solution section3"),
    ("reset", "reset section2"),
    ("goto", "goto section3"),
    ("undo", "undo"),
    ("puzzle", "puzzle --give-up"),
    ("error", "check no-such-section"),
    ("usage", "traffic --for a-while"),
    ("check", "check section2 --attach http://HOST"),
    ("scrape", "scrape --once http://HOST/metrics"),
    ("pager", "pager --listen 127.0.0.1:0"),
    ("mystery", "mystery 1"),
    ("help", "--help"),
    ("help-check", "check --help"),
    ("help-traffic", "traffic --help"),
];

/// On terminals of these widths each screen breaks between words, and nothing is cut.
#[cfg(target_os = "linux")]
#[test]
fn every_screen_fits_from_40_columns_on() {
    let mut complaints = Vec::new();
    let host = wrong_server();
    for columns in [80, 60, 40] {
        let tree = Tree::new();
        for (name, line) in SCREENS {
            // With no other program at hand: what needs Prometheus says so.
            let line = format!("PATH= {} {line}", env!("CARGO_BIN_EXE_workshop"));
            let started = Pty::start(&line.replace("HOST", &host), (columns, 24), |command| {
                command.current_dir(&tree.root).env_remove("CARGO_MANIFEST_DIR")
            });
            let Some(mut pty) = started else { return };
            match name {
                "pager" => {
                    pty.until(0, "Nothing has arrived");
                    pty.press("\x03");
                }
                "goto" => {
                    pty.until(0, "[y/N] ");
                    pty.press("n\n");
                }
                _ => {}
            }
            let (_, shown) = pty.end();
            let screen = plain(&shown);
            // A path or a command to be copied stays in one piece, and code is as it is.
            let is_prose = !["solution", "answer"].contains(&name);
            let long = screen.lines().filter(|line| is_prose && !line.starts_with("Usage: "));
            let long = long.filter(|line| line.trim().contains(' ') && !line.contains(" curl "));
            let long: Vec<&str> =
                long.filter(|line| line.chars().count() > columns.into()).collect();
            complaints.extend(long.iter().map(|line| format!("{name}, {columns} columns: {line}")));
            let path =
                format!("{}/tests/guide/screens/{name}-{columns}.txt", env!("CARGO_MANIFEST_DIR"));
            complaints.extend(recorded::differs(path.as_ref(), &screen));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// A server that answers everything with the same metrics, and its host.
#[cfg(target_os = "linux")]
fn wrong_server() -> String {
    use std::io::{Read, Write};

    const METRICS: &str = "# HELP requests_total Requests.\n# TYPE requests_total counter\n\
        requests_total{status=\"200\",endpoint=\"/treecounter\"} 12\n\
        # TYPE request_latency_seconds histogram\n\
        request_latency_seconds_bucket{endpoint=\"/treecounter\",le=\"0.5\"} 9\n\
        request_latency_seconds_bucket{endpoint=\"/treecounter\",le=\"+Inf\"} 12\n\
        request_latency_seconds_sum{endpoint=\"/treecounter\"} 5\n\
        request_latency_seconds_count{endpoint=\"/treecounter\"} 12\n";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let length = METRICS.len();
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{METRICS}");
        }
    });
    host
}

/// The text of a terminal without its colours, without control keys, and without the numbers of
/// free ports.
#[cfg(target_os = "linux")]
fn plain(shown: &str) -> String {
    let shown = anstream::adapter::strip_str(shown).to_string().replace("\r\n", "\n");
    let lines = shown.lines().map(str::trim_end).filter(|line| !["^D", "^C"].contains(line));
    let text = lines.collect::<Vec<_>>().join("\n").trim_start().to_owned() + "\n";
    let digits = |char: char| char.is_ascii_digit();
    let ports: Vec<&str> =
        text.split(|char| !digits(char)).filter(|number| number.len() == 5).collect();
    ports.iter().fold(text.clone(), |text, port| text.replace(port, "#####"))
}
