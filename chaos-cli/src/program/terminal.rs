use std::io::{self, IsTerminal};

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

/// The most redraws per second.
const REDRAWS: u8 = 20;

/// Live lines on standard error if that is a terminal; otherwise lines that are not drawn.
///
/// Drawing on a closed terminal has no effect. Without this, lines panic if they cannot be drawn.
pub fn lines_on_stderr() -> MultiProgress {
    MultiProgress::with_draw_target(if io::stderr().is_terminal() {
        ProgressDrawTarget::term_like_with_hz(Box::new(Lasting(Term::buffered_stderr())), REDRAWS)
    } else {
        ProgressDrawTarget::hidden()
    })
}

/// A terminal that hides that it is gone.
#[derive(Debug)]
struct Lasting(Term);

/// The result does not matter.
fn tried(_: io::Result<()>) -> io::Result<()> {
    Ok(())
}

impl TermLike for Lasting {
    fn width(&self) -> u16 {
        TermLike::width(&self.0)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.0)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        tried(self.0.move_cursor_up(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        tried(self.0.move_cursor_down(lines))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        tried(self.0.move_cursor_right(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        tried(self.0.move_cursor_left(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        tried(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        tried(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        tried(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        tried(self.0.flush())
    }
}
