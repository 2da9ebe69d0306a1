//! The command line: which command was asked for, and the exit code it ends with.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::commands::{
    doctor, gateway, goto, hint, pager, prefetch, reset, scrape, solution, status, traffic, undo,
};
use crate::terminal::output;
use crate::{check, commands, process, terminal};

#[derive(Debug, Parser)]
#[command(name = "cargo workshop", bin_name = "cargo workshop", about, version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ask(commands::mystery::ask::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    #[command(hide = true)]
    Gateway(gateway::Args),
    Goto(goto::Args),
    /// Run by a check: ends what it has started when it is killed
    #[command(hide = true)]
    Guard,
    Hint(hint::Args),
    Mystery(commands::mystery::Args),
    Pager(pager::Args),
    Prefetch(prefetch::Args),
    Puzzle(commands::puzzle::Args),
    Reset(reset::Args),
    Scrape(scrape::Args),
    Solution(solution::Args),
    Traffic(traffic::Args),
    Undo(undo::Args),
}

/// Runs the command that the arguments name. An error is printed with its causes and exits 2: the
/// command could not tell. A command that judges exits 0 for a pass and 1 for a fail.
pub fn run() -> ExitCode {
    let result = match Cli::try_parse().unwrap_or_else(end).command {
        None => status::run(),
        Some(Command::Ask(args)) => commands::mystery::ask::run(&args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Gateway(args)) => gateway::run(args),
        Some(Command::Goto(args)) => goto::run(args),
        Some(Command::Guard) => {
            process::guard::run();
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Hint(args)) => hint::run(args),
        Some(Command::Mystery(args)) => commands::mystery::run(&args),
        Some(Command::Pager(args)) => pager::run(args),
        Some(Command::Prefetch(args)) => prefetch::run(args),
        Some(Command::Puzzle(args)) => commands::puzzle::run(&args),
        Some(Command::Reset(args)) => reset::run(args),
        Some(Command::Scrape(args)) => scrape::run(args),
        Some(Command::Solution(args)) => solution::run(args),
        Some(Command::Traffic(args)) => traffic::run(args),
        Some(Command::Undo(args)) => undo::run(args),
    };
    let result = result.and_then(|code| {
        output::finish().context("the output could not be written")?;
        Ok(code)
    });
    result.unwrap_or_else(|error| {
        eprintln!("{}", terminal::flow(&format!("error: {error:#}")));
        ExitCode::from(2)
    })
}

/// Ends with what clap has to say: a help, or a mistake in what was typed. That it does not break
/// into lines, and colours with what light terminals do not show.
fn end(error: clap::Error) -> Cli {
    if !error.use_stderr() {
        error.exit();
    }
    let mistake = error.render().to_string();
    eprintln!("{}", terminal::flow(mistake.trim_end()));
    std::process::exit(error.exit_code());
}
