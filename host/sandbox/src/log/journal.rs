//! The lines of one session, bounded.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use capstan_api::ObjectRef;
use tracing::Level;

use crate::{Budget, LastSaid, LastWords, counts::Counters};

/// What stands in front of everything a guest says, so that a filter can turn it off.
const TARGET: &str = "capstan::guest";
/// Bytes of one line: more is cut.
const LINE: usize = 4 << 10;
/// Bytes kept of what went to standard error, for the message of a crash. A panic is two lines.
const LAST_WORDS: usize = 512;
/// Bytes kept of the last line of the log interface, for the message of a budget that ran out.
const LAST_SAID: usize = 256;

/// Whom the lines come from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) provider: Arc<str>,
    /// None while it describes itself.
    pub(crate) object: Option<ObjectRef>,
    pub(crate) reconcile_id: u64,
}

/// Where raw output comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// Cheap to clone: the log interface and both output streams of an instance write into one.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Origin,
    counters: Arc<Counters>,
    /// Lines, and bytes of them.
    allowed: (u32, usize),
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What is left.
    lines: u32,
    bytes: usize,
    dropped: u32,
    out: Vec<u8>,
    err: Vec<u8>,
    last_words: VecDeque<u8>,
    last_said: String,
}

impl Journal {
    pub(crate) fn new(origin: Origin, budget: &Budget, counters: Arc<Counters>) -> Self {
        let state = State {
            lines: budget.lines,
            bytes: budget.output,
            dropped: 0,
            out: Vec::new(),
            err: Vec::new(),
            last_words: VecDeque::new(),
            last_said: String::new(),
        };
        Self(Arc::new(Inner { origin, counters, allowed: (budget.lines, budget.output), state: Mutex::new(state) }))
    }

    /// Lines so far, and bytes of them.
    pub(crate) fn used(&self) -> (u32, u64) {
        let ((lines, bytes), state) = (self.0.allowed, self.lock());
        (lines - state.lines, (bytes - state.bytes) as u64)
    }

    /// Whether a line of this level would be kept.
    pub(crate) fn enabled(level: Level) -> bool {
        match level {
            Level::ERROR => tracing::enabled!(target: TARGET, Level::ERROR),
            Level::WARN => tracing::enabled!(target: TARGET, Level::WARN),
            Level::INFO => tracing::enabled!(target: TARGET, Level::INFO),
            Level::DEBUG => tracing::enabled!(target: TARGET, Level::DEBUG),
            Level::TRACE => tracing::enabled!(target: TARGET, Level::TRACE),
        }
    }

    /// A line of the log interface. One that nobody would see costs the guest nothing.
    pub(crate) fn write(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let mut state = self.lock();
        state.last_said.clear();
        state.last_said.push_str(&crate::text::cut(message, LAST_SAID));
        if Self::enabled(level) {
            self.line(&mut state, level, message, &Fields(fields));
        }
    }

    /// The message of the last line of the log interface, whether it was kept or not.
    pub(crate) fn last_said(&self) -> LastSaid {
        LastSaid(one_line(&self.lock().last_said))
    }

    /// Raw output, which becomes a line at each end of one.
    pub(crate) fn output(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.lock();
        if stream == Stream::Err {
            let tail = &bytes[bytes.len().saturating_sub(LAST_WORDS)..];
            state.last_words.extend(tail);
            let excess = state.last_words.len().saturating_sub(LAST_WORDS);
            state.last_words.drain(..excess);
        }
        let level = match stream {
            Stream::Out => Level::INFO,
            Stream::Err => Level::WARN,
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let pending = state.pending(stream);
            // What does not fit in a line is cut anyway, so it need not be kept until its end comes.
            pending.extend_from_slice(&text[..text.len().min((LINE + 1).saturating_sub(pending.len()))]);
            if ended {
                let whole = std::mem::take(pending);
                if !whole.is_empty() {
                    self.line(&mut state, level, &String::from_utf8_lossy(&whole), &Fields(&[]));
                }
            }
        }
    }

    /// The end of what went to standard error, on one line.
    pub(crate) fn last_words(&self) -> LastWords {
        let state = self.lock();
        let bytes: Vec<u8> = state.last_words.iter().copied().collect();
        LastWords(one_line(String::from_utf8_lossy(&bytes).trim()))
    }

    fn line(&self, state: &mut State, level: Level, message: &str, fields: &Fields) {
        let line = Line { message, fields }.to_string();
        if state.lines == 0 || state.bytes < line.len() {
            self.drop_line(state);
            return;
        }
        state.lines -= 1;
        state.bytes -= line.len();
        self.emit(level, &line);
    }

    fn drop_line(&self, state: &mut State) {
        self.0.counters.line_dropped();
        state.dropped += 1;
        if state.dropped == 1 {
            let (lines, bytes) = self.0.allowed;
            self.emit(Level::WARN, &dropped(lines, bytes));
        }
    }

    fn emit(&self, level: Level, line: &str) {
        let Origin { provider, object, reconcile_id } = &self.0.origin;
        let provider = provider.as_ref();
        let object = object.as_ref().map(tracing::field::display);
        macro_rules! emit {
            ($level:ident) => {
                tracing::event!(target: TARGET, Level::$level, provider, object, reconcile_id, "{line}")
            };
        }
        match level {
            Level::ERROR => emit!(ERROR),
            Level::WARN => emit!(WARN),
            Level::INFO => emit!(INFO),
            Level::DEBUG => emit!(DEBUG),
            Level::TRACE => emit!(TRACE),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counters and buffers are whole after a panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pending(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }
}

/// What is said of the first line that is dropped.
fn dropped(lines: u32, bytes: usize) -> String {
    format!(
        "the provider writes more than it may in one reconcile ({lines} lines, {bytes} bytes): what follows is dropped; \
         limits.lines and limits.logBytes of its grants say how much it may"
    )
}

struct Fields<'a>(&'a [(String, String)]);

struct Line<'a> {
    message: &'a str,
    fields: &'a Fields<'a>,
}

/// One line of at most [`LINE`] bytes, whatever the guest put into it: a line feed would let it write lines in the name
/// of the host.
impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = one_line(self.message);
        for (key, value) in self.fields.0 {
            if text.len() > LINE {
                break;
            }
            text.push(' ');
            text.push_str(&one_line(key));
            text.push('=');
            text.push_str(&one_line(value));
        }
        f.write_str(crate::text::cut(&text, LINE).as_ref())
    }
}

fn one_line(text: &str) -> String {
    let cut = crate::text::cut(text, LINE);
    cut.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(budget: &Budget) -> Journal {
        let origin = Origin { provider: "test".into(), object: None, reconcile_id: 1 };
        Journal::new(origin, budget, Arc::default())
    }

    #[test]
    fn a_line_is_one_line() {
        let fields = [("k\ney".to_owned(), "v\u{1b}[31m".to_owned())];
        let line = Line { message: "first\nsecond", fields: &Fields(&fields) };
        assert_eq!(line.to_string(), "first second k ey=v [31m");
        let long = "x".repeat(LINE * 2);
        assert!(Line { message: &long, fields: &Fields(&fields) }.to_string().len() <= LINE);
    }

    #[test]
    fn what_was_said_last_is_known_whether_it_was_kept_or_not() {
        let journal = journal(&Budget { lines: 0, ..Budget::default() });
        assert_eq!(journal.last_said(), LastSaid::default());
        journal.write(Level::TRACE, "first", &[]);
        journal.write(Level::TRACE, "evaluating\nsomething", &[]);
        assert_eq!(journal.last_said().to_string(), "; it last said: evaluating something");
        journal.write(Level::TRACE, &"x".repeat(LINE), &[]);
        assert!(journal.last_said().0.len() <= LAST_SAID);
    }

    #[test]
    fn more_lines_than_allowed_are_counted_and_dropped() {
        let journal = journal(&Budget { lines: 2, ..Budget::default() });
        for _ in 0..5 {
            journal.output(Stream::Out, b"line\n");
        }
        assert_eq!(journal.0.counters.read().lines_dropped, 3);
        assert_eq!(journal.used(), (2, 8));
    }

    #[test]
    fn what_is_dropped_says_which_limit_to_change() {
        let said = dropped(2, 10);
        assert!(said.contains("2 lines") && said.contains("limits.lines and limits.logBytes"), "{said}");
    }

    #[test]
    fn more_bytes_than_allowed_are_dropped_too() {
        let journal = journal(&Budget { output: 10, ..Budget::default() });
        journal.output(Stream::Out, b"12345678\n");
        journal.output(Stream::Out, b"123\n");
        assert_eq!(journal.0.counters.read().lines_dropped, 1);
    }

    #[test]
    fn output_without_an_end_is_bounded() {
        let journal = journal(&Budget::default());
        for _ in 0..100 {
            journal.output(Stream::Out, &[b'x'; 1000]);
        }
        assert!(journal.lock().out.len() <= LINE + 1);
    }

    #[test]
    fn last_words_are_the_end_of_standard_error() {
        let journal = journal(&Budget { lines: 0, ..Budget::default() });
        journal.output(Stream::Err, &[b'x'; 2000]);
        journal.output(Stream::Out, b"not this\n");
        journal.output(Stream::Err, b"\npanicked at here:\nboom\n");
        let words = journal.last_words().0;
        assert!(words.ends_with("x panicked at here: boom"), "{words}");
        assert!(words.len() <= LAST_WORDS);
    }
}
