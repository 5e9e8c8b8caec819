//! The functions of `prelude.jq` that an expression reaches.

use std::collections::BTreeSet;

use jaq_core::load::lex::{StrPart, Tok, Token};
use jaq_core::load::{Lexer, parse, parse::Def};

const SOURCE: &str = include_str!("prelude.jq");

/// The definitions that a program may call, directly or through each other, in the order of the file.
///
/// Reading all of them costs about a millisecond, ten times as much as everything else that a small expression needs, and
/// every reconcile would pay it because nothing outlives one in a component. Every word counts as
/// a possible call, so a field that is named like a function loads that function for nothing.
pub(super) fn reached(program: &[Token<&str>]) -> impl Iterator<Item = Def<&'static str>> {
    let lines: Vec<(&str, &'static str)> = SOURCE.lines().filter_map(|line| Some((name(line)?, line))).collect();
    let mut reached = BTreeSet::new();
    let mut open = Vec::new();
    for token in program {
        collect(token, &mut open);
    }
    while let Some(word) = open.pop() {
        for (position, (_, line)) in lines.iter().enumerate().filter(|(_, (name, _))| *name == word) {
            if reached.insert(position) {
                open.extend(words(line));
            }
        }
    }
    // The file is a part of the program and parses: a test reads every line.
    reached.into_iter().filter_map(move |position| parse(lines[position].1, |parser| parser.defs())).flatten()
}

fn name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("def ")?;
    rest.split(['(', ':']).next()
}

/// All words of a program; none if it does not lex, which the parser is going to report.
fn words(program: &str) -> Vec<String> {
    let mut words = Vec::new();
    for token in Lexer::new(program).lex().unwrap_or_default() {
        collect(&token, &mut words);
    }
    words
}

fn collect(Token(text, token): &Token<&str>, words: &mut Vec<String>) {
    match token {
        Tok::Word | Tok::Fmt => words.push((*text).to_owned()),
        Tok::Block(tokens) => tokens.iter().for_each(|token| collect(token, words)),
        Tok::Str(parts) => {
            for part in parts {
                if let StrPart::Term(token) = part {
                    collect(token, words);
                }
            }
        }
        Tok::Sym => words.extend(update(text).map(str::to_owned)),
        Tok::Var | Tok::Num => {}
    }
}

/// What an update is rewritten to.
fn update(operator: &str) -> Option<&'static str> {
    match operator {
        "=" => Some("_assign"),
        "|=" | "+=" | "-=" | "*=" | "/=" | "%=" | "//=" => Some("_modify"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_comment_or_a_definition_that_parses() {
        for line in SOURCE.lines().filter(|line| !line.starts_with('#')) {
            let definitions = parse(line, |parser| parser.defs()).unwrap_or_default();
            assert_eq!(definitions.len(), 1, "{line}");
            assert_eq!(Some(definitions[0].name), name(line), "{line}");
        }
    }

    #[test]
    fn only_what_is_called_is_loaded() {
        let names = |expression: &str| {
            let tokens = Lexer::new(expression).lex().unwrap();
            reached(&tokens).map(|definition| definition.name).collect::<Vec<_>>()
        };
        assert_eq!(names(".a.b | .c"), Vec::<&str>::new());
        assert_eq!(names("[.[] | select(.x)]"), ["empty", "select"]);
        assert_eq!(names("\"a\\(.b | todate)\""), ["todateiso8601", "todate"]);
        assert!(names("with_entries(.)").contains(&"map"), "through to_entries");
    }
}
