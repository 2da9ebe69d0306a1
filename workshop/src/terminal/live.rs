//! The terminal as a screen: lines drawn in place, and keys as they are pressed.
//!
//! However the program ends, the terminal is given back as it was: when [`Live`] is dropped, at a
//! panic, and by whoever ends the process at a signal, with [`restore`].

use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    self, Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{execute, queue};

use crate::terminal::size;

/// What has to be given back.
static TAKEN: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const KEYS: u8 = 1;
const SCREEN: u8 = 2;

/// The terminal, taken for as long as this lives.
pub(crate) struct Live {
    kind: u8,
}

/// What somebody does at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Key(KeyCode),
    /// Ctrl-C.
    End,
    /// What was drawn is gone: the terminal has another size, or the program was suspended.
    Redraw,
}

/// Whether there is a terminal that can do more than print lines.
pub(crate) fn is_possible() -> bool {
    // Windows sets no TERM; elsewhere one without a name can do nothing.
    let able = std::env::var("TERM").map_or(cfg!(windows), |term| term != "dumb");
    able && io::stdout().is_terminal()
}

impl Live {
    /// Takes the keys alone. What is printed meanwhile needs a carriage return before a line feed.
    pub(crate) fn keys() -> io::Result<Self> {
        Self::take(KEYS)
    }

    /// Takes the keys and the screen. What stood there comes back afterwards.
    pub(crate) fn screen() -> io::Result<Self> {
        Self::take(SCREEN)
    }

    fn take(kind: u8) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                usual(panic);
            }));
        });
        #[cfg(unix)]
        end_with_the_terminal();
        let live = Self { kind };
        live.enter()?;
        Ok(live)
    }

    fn enter(&self) -> io::Result<()> {
        TAKEN.store(self.kind, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        if self.kind == SCREEN {
            execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap)?;
        }
        Ok(())
    }

    /// Draws these lines from the top, and nothing below them. What does not fit is left out.
    pub(crate) fn draw(&self, lines: &[String]) -> io::Result<()> {
        let coloured = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        let mut frame = Vec::new();
        let mut row = 0;
        for line in lines.iter().take(size().1) {
            // Cleared first: in the last column the cursor stands on what was just written.
            queue!(frame, MoveTo(0, row), Clear(ClearType::UntilNewLine))?;
            match coloured {
                true => frame.extend_from_slice(line.as_bytes()),
                false => write!(frame, "{}", anstream::adapter::strip_str(line))?,
            }
            row += 1;
        }
        if usize::from(row) < size().1 {
            queue!(frame, MoveTo(0, row), Clear(ClearType::FromCursorDown))?;
        }
        let mut out = io::stdout().lock();
        out.write_all(&frame)?;
        out.flush()
    }

    /// The next key, if there is one in this time.
    pub(crate) fn input(&self, wait: Duration) -> io::Result<Option<Input>> {
        if !event::poll(wait)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            Event::Resize(..) => Some(Input::Redraw),
            // Windows tells of releases too.
            Event::Key(KeyEvent { code, modifiers, kind, .. }) if kind != KeyEventKind::Release => {
                match code {
                    KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => {
                        Some(Input::End)
                    }
                    KeyCode::Char('z') if modifiers.contains(KeyModifiers::CONTROL) => {
                        self.suspend()?;
                        Some(Input::Redraw)
                    }
                    KeyCode::Char(_) if modifiers.contains(KeyModifiers::CONTROL) => None,
                    code => Some(Input::Key(code)),
                }
            }
            _ => None,
        })
    }

    /// Ctrl-Z, as for any program: the shell has the terminal until `fg`.
    #[cfg(unix)]
    fn suspend(&self) -> io::Result<()> {
        restore();
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP)?;
        self.enter()
    }

    /// Windows has no such thing.
    #[cfg(not(unix))]
    fn suspend(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        restore();
    }
}

/// Sees to it that this process ends when its terminal goes away. The kernel tells only the session
/// that the terminal belongs to, and crossterm reads the end of input again and again.
#[cfg(unix)]
fn end_with_the_terminal() {
    use std::os::fd::AsFd;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::signal::{Signal, raise};

    static WATCHER: Once = Once::new();
    let watch = || {
        let stdout = io::stdout();
        let mut terminal = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        while poll(&mut terminal, PollTimeout::NONE) == Err(Errno::EINTR) {}
        if terminal[0].revents().is_some_and(|told| told.contains(PollFlags::POLLHUP)) {
            let _ = raise(Signal::SIGHUP);
            // Who told this process to ignore that, meant one that runs on without a terminal.
            std::thread::sleep(Duration::from_secs(1));
            std::process::exit(129);
        }
    };
    WATCHER.call_once(|| _ = std::thread::Builder::new().name("hangup".into()).spawn(watch));
}

/// Gives the terminal back, if it was taken. A terminal that is gone cannot be helped.
pub(crate) fn restore() {
    let taken = TAKEN.swap(NOTHING, Ordering::SeqCst);
    if taken == SCREEN {
        let _ = execute!(io::stdout(), EnableLineWrap, Show, LeaveAlternateScreen);
    }
    if taken != NOTHING {
        let _ = terminal::disable_raw_mode();
    }
}
