//! What each key does.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::commands::scrape::view::Screen;

/// Takes in a key; whether it ends the watching.
pub(crate) fn pressed(screen: &mut Screen, event: &Event) -> bool {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else {
        return false;
    };
    // Windows tells of releases too.
    if *kind == KeyEventKind::Release {
        return false;
    }
    let control = modifiers.contains(KeyModifiers::CONTROL);
    match code {
        KeyCode::Char('c' | 'd') if control => return true,
        KeyCode::Esc if screen.filter.text.is_empty() => return true,
        KeyCode::Esc => screen.filter.text.clear(),
        KeyCode::Backspace => {
            screen.filter.text.pop();
        }
        KeyCode::Tab => screen.filter.moving = !screen.filter.moving,
        KeyCode::Char(' ') => screen.paused = !screen.paused,
        KeyCode::Char(letter) if !control => {
            screen.filter.text.push(*letter);
            screen.scroll = 0;
        }
        KeyCode::Up => screen.scroll = screen.scroll.saturating_sub(1),
        KeyCode::Down => screen.scroll += 1,
        KeyCode::PageUp => screen.scroll = screen.scroll.saturating_sub(screen.page),
        KeyCode::PageDown => screen.scroll += screen.page,
        KeyCode::Home => screen.scroll = 0,
        // Drawing brings it back to the last page.
        KeyCode::End => screen.scroll = usize::MAX / 2,
        _ => {}
    }
    false
}
