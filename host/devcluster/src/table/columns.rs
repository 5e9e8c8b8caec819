//! The columns of a table: their definitions and how a cell comes from an object.

use serde_json::{Value, json};

use super::json_path::JsonPath;

const NAME_DESCRIPTION: &str = "Name must be unique within a namespace. Is required when creating resources, although \
     some resources may allow a client to request the generation of an appropriate name automatically. Name is \
     primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: \
     https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

/// One column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    name: String,
    ty: String,
    format: String,
    description: String,
    /// Columns above 0 are shown by `kubectl get -o wide` only.
    priority: i64,
    cell: Cell,
}

/// Where a cell comes from.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Path(JsonPath),
    /// A number, or 0 when there is none.
    Count(JsonPath),
    Computed(fn(&Value) -> Value),
}

impl Column {
    /// The first column of every table.
    pub(crate) fn name() -> Self {
        Self {
            format: "name".to_owned(),
            description: NAME_DESCRIPTION.to_owned(),
            ..Self::text(
                "Name",
                Cell::Computed(|object| json!(object["metadata"]["name"].as_str().unwrap_or_default())),
            )
        }
    }

    /// How long ago the object was created.
    pub(crate) fn age() -> Self {
        let description = "CreationTimestamp is a timestamp representing the server time when this object was created.";
        Self {
            description: description.to_owned(),
            ..Self::text(
                "Age",
                Cell::Computed(|object| {
                    // A bookmark was never created.
                    let time = object["metadata"]["creationTimestamp"].as_str();
                    json!(time.map_or_else(|| "<unknown>".to_owned(), age_of))
                }),
            )
        }
    }

    pub(crate) fn text(name: &str, cell: Cell) -> Self {
        Self {
            name: name.to_owned(),
            ty: "string".to_owned(),
            format: String::new(),
            description: String::new(),
            priority: 0,
            cell,
        }
    }

    pub(crate) fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    /// With cells that are integers.
    pub(crate) fn integer(mut self) -> Self {
        "integer".clone_into(&mut self.ty);
        self
    }

    /// With cells that are times.
    pub(crate) fn date(mut self) -> Self {
        "date".clone_into(&mut self.ty);
        self
    }

    /// With cells that are true or false.
    pub(crate) fn boolean(mut self) -> Self {
        "boolean".clone_into(&mut self.ty);
        self
    }

    /// A column of `additionalPrinterColumns`; the error says what is wrong with its path.
    pub(crate) fn from_printer_column(document: &Value) -> Result<Self, String> {
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let path = text("jsonPath");
        let description = match text("description") {
            description if description.is_empty() => {
                format!("Custom resource definition column (in JSONPath format): {path}")
            }
            description => description,
        };
        Ok(Self {
            name: text("name"),
            ty: text("type"),
            format: text("format"),
            description,
            priority: document["priority"].as_i64().unwrap_or(0),
            cell: Cell::Path(JsonPath::parse(&path)?),
        })
    }

    pub(crate) fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.ty, "format": self.format,
            "description": self.description, "priority": self.priority,
        })
    }

    /// The cell of one object: null when absent, a duration for dates, the value if it has the column's type.
    pub(crate) fn cell(&self, object: &Value) -> Value {
        let path = match &self.cell {
            Cell::Computed(compute) => return compute(object),
            Cell::Count(path) => return path.find(object).first().map_or(json!(0), |number| (*number).clone()),
            Cell::Path(path) => path,
        };
        let found = path.find(object);
        let Some(first) = found.first() else { return Value::Null };
        match (self.ty.as_str(), first) {
            ("date", Value::String(time)) => json!(age_of(time)),
            ("integer", Value::Number(number)) => json!(number.as_i64()),
            ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => (*first).clone(),
            ("string", _) => {
                let texts: Vec<String> = found.iter().map(|value| plain(value)).collect();
                json!(texts.join(","))
            }
            _ => Value::Null,
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The time since an RFC 3339 timestamp, as `kubectl` writes it.
pub(crate) fn age_of(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => human_duration(jiff::Timestamp::now().as_second() - time.as_second()),
        Err(_) => "<invalid>".to_owned(),
    }
}

/// The time from one RFC 3339 timestamp to another, written the same way.
pub(crate) fn time_between(start: &str, end: &str) -> String {
    match (start.parse::<jiff::Timestamp>(), end.parse::<jiff::Timestamp>()) {
        (Ok(start), Ok(end)) => human_duration(end.as_second() - start.as_second()),
        _ => "<invalid>".to_owned(),
    }
}

/// A duration in at most two units, coarser the longer it is.
fn human_duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{large_unit}"),
        small => format!("{large}{large_unit}{small}{small_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 10 * MINUTE => two(s / MINUTE, "m", s % MINUTE, "s"),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 8 * HOUR => two(s / HOUR, "h", s % HOUR / MINUTE, "m"),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 8 * DAY => two(s / DAY, "d", s % DAY / HOUR, "h"),
        s if s < 2 * YEAR => format!("{}d", s / DAY),
        s if s < 8 * YEAR => two(s / YEAR, "y", s % YEAR / DAY, "d"),
        s => format!("{}y", s / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_those_of_kubectl() {
        let texts: Vec<String> =
            [0, 119, 120, 185, 3600, 3 * 3600 + 60, 30 * 3600, 50 * 3600].map(human_duration).to_vec();
        assert_eq!(texts, ["0s", "119s", "2m", "3m5s", "60m", "3h1m", "30h", "2d2h"]);
    }

    #[test]
    fn a_cell_has_the_type_of_its_column_or_is_null() {
        let column = |ty: &str| {
            Column::from_printer_column(&json!({"name": "Size", "type": ty, "jsonPath": ".spec.size"})).unwrap()
        };
        let object = json!({"spec": {"size": 3}});
        assert_eq!(column("integer").cell(&object), json!(3));
        assert_eq!(column("string").cell(&object), json!("3"));
        assert_eq!(column("boolean").cell(&object), Value::Null);
        assert_eq!(column("integer").cell(&json!({})), Value::Null);
    }
}
