//! `cargo workshop`: checks the learner's running program, gives hints, makes traffic.

fn main() {}
