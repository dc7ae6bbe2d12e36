//! The report as JSON, in the shape of `report.schema.json`.

use serde_json::{Value, json};

use super::Report;
use crate::review::finding::Severity;

/// Number of the format; it grows when a reader of the old one would misread the new one.
const VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of what [`render`] writes.
pub const SCHEMA: &str = include_str!("report.schema.json");

/// The report as a JSON value.
#[must_use]
pub fn value(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).expect("strings, numbers and lists are always JSON");
    let counts =
        Severity::WORST_FIRST.map(|severity| (severity.word().to_owned(), json!(report.count(severity))));
    if let Value::Object(fields) = &mut value {
        fields.insert("version".to_owned(), json!(VERSION));
        fields.insert("counts".to_owned(), Value::Object(counts.into_iter().collect()));
    }
    value
}

/// The report as text, indented, with a line break at its end.
#[must_use]
pub fn render(report: &Report) -> String {
    format!("{:#}\n", value(report))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty, full};
    use super::*;

    #[test]
    fn every_report_is_valid_by_its_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        let schema = jsonschema::validator_for(&schema).unwrap();
        for report in [empty(), full()] {
            let value = serde_json::from_str(&render(&report)).unwrap();
            let errors: Vec<String> = schema
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}", errors.join("\n"));
        }
    }

    #[test]
    fn the_schema_refuses_what_the_report_does_not_promise() {
        let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
        for (pointer, wrong) in [
            ("/findings/0/severity", json!("urgent")),
            ("/findings/0/line", json!(0)),
            ("/cost/children/0/nano_usd", json!("1")),
            ("/version", json!(2)),
            ("/receipt", Value::Null),
        ] {
            let mut value = value(&full());
            *value.pointer_mut(pointer).unwrap() = wrong;
            assert!(!schema.is_valid(&value), "{pointer}");
        }
        let mut more = value(&full());
        more["findings"][0]["colour"] = json!("red");
        assert!(!schema.is_valid(&more));
    }

    #[test]
    fn a_report_is_read_back_from_its_json() {
        let mut value = value(&full());
        let fields = value.as_object_mut().unwrap();
        fields.remove("version");
        assert_eq!(fields.remove("counts").unwrap()["critical"], json!(1));
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), full());
    }
}
