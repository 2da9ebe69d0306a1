//! What each key does.

use crossterm::event::KeyCode;

use crate::commands::scrape::view::Screen;
use crate::terminal::live::Input;

/// Takes in what somebody does; whether that ends the watching.
pub(crate) fn pressed(screen: &mut Screen, input: Input) -> bool {
    let code = match input {
        Input::End => return true,
        Input::Redraw => return false,
        Input::Key(code) => code,
    };
    if screen.typing && edited(screen, code) {
        return false;
    }
    match code {
        KeyCode::Char('q') | KeyCode::Esc => return true,
        KeyCode::Char('/') => screen.typing = true,
        KeyCode::Char(' ') => screen.paused = !screen.paused,
        KeyCode::Tab => screen.filter.moving = !screen.filter.moving,
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

/// A key of the filter that is being typed; whether it was one.
fn edited(screen: &mut Screen, code: KeyCode) -> bool {
    match code {
        KeyCode::Enter => screen.typing = false,
        KeyCode::Esc => {
            screen.typing = false;
            screen.filter.text.clear();
        }
        KeyCode::Backspace => {
            screen.filter.text.pop();
        }
        KeyCode::Char(letter) => {
            screen.filter.text.push(letter);
            screen.scroll = 0;
        }
        _ => return false,
    }
    true
}
