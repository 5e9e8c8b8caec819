//! Every `if`, `range`, `with`, `define` and `block` needs its `end`. The engine's parser lets a missing or surplus one
//! pass and drops what stands around it, so this is checked before.

/// Says what is wrong with the nesting of `template`, if anything.
pub(super) fn check(template: &str) -> Result<(), &'static str> {
    let mut depth = 0_u32;
    for word in keywords(template) {
        match word {
            "if" | "range" | "with" | "define" | "block" => depth += 1,
            "end" => depth = depth.checked_sub(1).ok_or("unexpected {{end}}")?,
            "else" if depth == 0 => return Err("unexpected {{else}}"),
            _ => {}
        }
    }
    if depth == 0 { Ok(()) } else { Err("unexpected end: an {{end}} is missing") }
}

/// The first word of every action.
fn keywords(template: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = template;
    while let Some((_, action)) = rest.split_once("{{") {
        let action = action.strip_prefix('-').unwrap_or(action).trim_start();
        let end = action.find(|c: char| !c.is_alphanumeric()).unwrap_or(action.len());
        words.push(&action[..end]);
        rest = after(action);
    }
    words
}

/// What follows the action's closing braces: those within quotes or a comment do not count.
fn after(action: &str) -> &str {
    if action.starts_with("/*") {
        return action.split_once("*/").map_or("", |(_, rest)| rest);
    }
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in action.char_indices() {
        match quote {
            None if action[at..].starts_with("}}") => return &action[at + 2..],
            None if matches!(c, '"' | '`' | '\'') => quote = Some(c),
            None => {}
            Some(_) if is_escaped => is_escaped = false,
            Some(open) => {
                is_escaped = c == '\\' && open != '`';
                if c == open {
                    quote = None;
                }
            }
        }
    }
    ""
}
