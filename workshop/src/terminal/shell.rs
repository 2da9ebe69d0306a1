//! Commands with settings, as one types them: the shells of the systems set variables differently.

/// Whose words a command is written in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shell {
    /// Those of Linux and macOS.
    Posix,
    /// That of Windows.
    PowerShell,
}

/// What is another word in PowerShell. Its own `curl` is another program in version 5.
const POWERSHELL: [(&str, &str); 6] = [
    ("curl -", "curl.exe -"),
    ("curl http", "curl.exe http"),
    ("| grep ", "| Select-String "),
    ("| head", "| Select-Object -First 10"),
    (" \\\n", " `\n"),
    ("APP=bonus-histogram docker", "$env:APP = 'bonus-histogram'; docker"),
];

impl Shell {
    /// The one that learners have on this system.
    pub(crate) const HERE: Self = if cfg!(windows) { Self::PowerShell } else { Self::Posix };

    /// A command that is run with these settings. Several take a line each.
    pub(crate) fn with(self, settings: &[(&str, &str)], command: &str) -> String {
        let several = settings.len() > 1;
        let separator = match self {
            Self::Posix if several => " \\\n",
            Self::Posix => " ",
            Self::PowerShell if several => "\n",
            Self::PowerShell => "; ",
        };
        let set = settings.iter().map(|(name, value)| match self {
            Self::Posix => format!("{name}={value}"),
            Self::PowerShell => self.set(name, value),
        });
        set.chain([command.to_owned()]).collect::<Vec<_>>().join(separator)
    }

    /// A command that was written for a shell of Linux and macOS, or a text with such commands.
    pub(crate) fn command(self, written: &str) -> String {
        if self == Self::Posix {
            return written.to_owned();
        }
        let mut command = written.to_owned();
        for (posix, here) in POWERSHELL {
            command = command.replace(posix, here);
        }
        match command.strip_suffix(" &") {
            Some(job) => format!("Start-Job {{ {job} }}"),
            None => command,
        }
    }

    /// The command that makes a setting for all that is run in this terminal later.
    pub(crate) fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}={value}"),
            Self::PowerShell => format!("$env:{name} = '{value}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_written_as_each_shell_takes_it() {
        for (written, powershell) in [
            (
                "curl -s http://h/metrics | grep requests_total",
                "curl.exe -s http://h/metrics | Select-String requests_total",
            ),
            (
                "curl -si http://h/metrics | head",
                "curl.exe -si http://h/metrics | Select-Object -First 10",
            ),
            ("curl -s http://h/treecounter &", "Start-Job { curl.exe -s http://h/treecounter }"),
            ("Type curl http://h, or not.", "Type curl.exe http://h, or not."),
            ("promtool check \\\n  file", "promtool check `\n  file"),
            (
                "the bonus's: APP=bonus-histogram docker compose up",
                "the bonus's: $env:APP = 'bonus-histogram'; docker compose up",
            ),
            ("cargo run -p section1-expose", "cargo run -p section1-expose"),
        ] {
            assert_eq!(Shell::PowerShell.command(written), powershell);
            assert_eq!(Shell::Posix.command(written), written);
        }
    }

    #[test]
    fn a_setting_is_written_as_each_shell_takes_it() {
        for (shell, one, two, set) in [
            (Shell::Posix, "A=1 run", "A=1 \\\nB=0.2 \\\nrun", "export A=h:1"),
            (
                Shell::PowerShell,
                "$env:A = '1'; run",
                "$env:A = '1'\n$env:B = '0.2'\nrun",
                "$env:A = 'h:1'",
            ),
        ] {
            assert_eq!(shell.with(&[("A", "1")], "run"), one);
            assert_eq!(shell.with(&[("A", "1"), ("B", "0.2")], "run"), two);
            assert_eq!(shell.set("A", "h:1"), set);
        }
    }
}
