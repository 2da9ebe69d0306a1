//! Commands with settings, as one types them: the shells of the systems set variables differently.

/// Whose words a command is written in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shell {
    /// Those of Linux and macOS.
    Posix,
    /// That of Windows.
    PowerShell,
}

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
