//! Texts: cut, quoted, as hexadecimal bytes.

use super::Flags;

/// The first characters, as many as the precision says.
pub(super) fn truncated<'t>(text: &'t str, flags: &Flags) -> &'t str {
    let end = flags.precision.and_then(|length| text.char_indices().nth(length)).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

/// Verb `q`: Go syntax, with `#` between back quotes if possible, with `+` in ASCII.
pub(super) fn write_quoted(out: &mut String, text: &str, flags: &Flags) {
    let text = truncated(text, flags);
    let is_raw = |c: char| c != '`' && c != '\u{feff}' && (c == '\t' || !is_control(c));
    let quoted = if flags.sharp && text.chars().all(is_raw) {
        format!("`{text}`")
    } else {
        let escaped: String = text.chars().map(|c| escaped(c, '"', flags.plus)).collect();
        format!("\"{escaped}\"")
    };
    flags.pad(out, &quoted);
}

/// A character in single quotes.
pub(super) fn quoted_character(c: char, ascii: bool) -> String {
    format!("'{}'", escaped(c, '\'', ascii))
}

fn escaped(c: char, quote: char, ascii: bool) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        c if c == quote => format!("\\{c}"),
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        c if is_printable(c) && (c.is_ascii() || !ascii) => c.to_string(),
        c if c < ' ' || c == '\x7f' => format!("\\x{:02x}", u32::from(c)),
        c if u32::from(c) > 0xffff => format!("\\U{:08x}", u32::from(c)),
        c => format!("\\u{:04x}", u32::from(c)),
    }
}

fn is_control(c: char) -> bool {
    c < ' ' || c == '\x7f'
}

/// Whether quoting leaves a character alone. Where the standard library has no tables this is an approximation: unassigned
/// characters count as printable.
pub(super) fn is_printable(c: char) -> bool {
    let is_space = c.is_whitespace() && c != ' ';
    let is_format = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}' | '\u{f0000}'..);
    !(c.is_control() || is_space || is_format || is_private)
}

/// Verb `x`: two digits a byte, with a space between bytes and a prefix if the flags say so.
pub(super) fn write_hexadecimal(out: &mut String, text: &str, is_upper: bool, flags: &Flags) {
    let bytes = text.as_bytes();
    let bytes = &bytes[..flags.precision.unwrap_or(bytes.len()).min(bytes.len())];
    let prefix = match (flags.sharp, is_upper) {
        (true, false) => "0x",
        (true, true) => "0X",
        _ => "",
    };
    let digits = |byte: &u8| {
        if is_upper { format!("{byte:02X}") } else { format!("{byte:02x}") }
    };
    let text = if bytes.is_empty() {
        String::new()
    } else if flags.space {
        bytes.iter().map(|byte| format!("{prefix}{}", digits(byte))).collect::<Vec<_>>().join(" ")
    } else {
        format!("{prefix}{}", bytes.iter().map(digits).collect::<String>())
    };
    flags.pad(out, &text);
}
