//! Label selectors, in the full grammar: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a>1`, `a<1`.

use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, PartialEq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, PartialEq)]
enum Operator {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    /// Parses a selector; the error is in the words of Kubernetes.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens { rest: text.trim() };
        let mut requirements = Vec::new();
        if tokens.rest.is_empty() {
            return Ok(Self::default());
        }
        loop {
            let requirement = tokens.requirement();
            requirements.push(requirement.map_err(|error| format!("unable to parse requirement: {error}"))?);
            match tokens.next() {
                "" => return Ok(Self(requirements)),
                "," => {}
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.0.iter().all(|requirement| requirement.matches(labels.get(&requirement.key).and_then(Value::as_str)))
    }
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let number = || label.and_then(|label| label.parse::<i64>().ok());
        match &self.operator {
            Operator::Exists => label.is_some(),
            Operator::Absent => label.is_none(),
            Operator::In(values) => label.is_some_and(|label| values.iter().any(|value| value == label)),
            Operator::NotIn(values) => label.is_none_or(|label| values.iter().all(|value| value != label)),
            Operator::Above(bound) => number().is_some_and(|number| number > *bound),
            Operator::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// The next token, or "" at the end.
    fn next(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let length = match rest.find(|c: char| c.is_whitespace() || "()!,=<>".contains(c)) {
            Some(0) if rest.starts_with("==") || rest.starts_with("!=") => 2,
            Some(0) => 1,
            Some(length) => length,
            None => rest.len(),
        };
        let (token, rest) = rest.split_at(length);
        self.rest = rest;
        token
    }

    fn peek(&self) -> &'a str {
        Tokens { rest: self.rest }.next()
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut key = self.next();
        let absent = key == "!";
        if absent {
            key = self.next();
        }
        if !is_word(key) {
            return Err(format!("found '{key}', expected: !, identifier, or 'end of string'"));
        }
        let operator = match self.peek() {
            _ if absent => Operator::Absent,
            "" | "," => Operator::Exists,
            _ => match self.next() {
                "=" | "==" => Operator::In(vec![self.value()?]),
                "!=" => Operator::NotIn(vec![self.value()?]),
                "in" => Operator::In(self.values()?),
                "notin" => Operator::NotIn(self.values()?),
                ">" => Operator::Above(self.number()?),
                "<" => Operator::Below(self.number()?),
                other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
            },
        };
        Ok(Requirement { key: key.to_owned(), operator })
    }

    /// The value after `=`; it may be empty.
    fn value(&mut self) -> Result<String, String> {
        match self.peek() {
            "" | "," => Ok(String::new()),
            word if is_word(word) => Ok(self.next().to_owned()),
            other => Err(format!("found '{other}', expected: identifier")),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_| format!("for 'Gt', 'Lt' operators, the value must be an integer: {value}"))
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            let value = match self.peek() {
                ")" => String::new(),
                _ => self.value()?,
            };
            values.push(value);
            match self.next() {
                ")" => return Ok(values),
                "," => {}
                other => return Err(format!("found '{other}', expected: ',' or ')'")),
            }
        }
    }
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.contains(['(', ')', '!', ',', '=', '<', '>'])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(selector: &str) -> bool {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "front", "n": "5"}}});
        LabelSelector::parse(selector).unwrap().matches(&object)
    }

    #[test]
    fn all_operators_select() {
        for yes in
            ["", "app", "!gone", "app=web", "app==web,tier!=back", "app in (db, web),n>4", "x notin (y)", "n<6", "x!=y"]
        {
            assert!(matches(yes), "{yes}");
        }
        for no in ["gone", "!app", "app=db", "app!=web", "app in (db)", "app notin (web)", "n>5", "app>1"] {
            assert!(!matches(no), "{no}");
        }
    }

    #[test]
    fn what_cannot_be_parsed_is_said() {
        let error = LabelSelector::parse("a===").unwrap_err();
        assert_eq!(error, "unable to parse requirement: found '=', expected: identifier");
        let error = LabelSelector::parse("a=b c").unwrap_err();
        assert_eq!(error, "found 'c', expected: ',' or 'end of string'");
        assert!(LabelSelector::parse("a in b").is_err());
        assert!(LabelSelector::parse("a b").is_err());
    }
}
