//! The JSON against `docs/report.schema.json`: validated by somebody else's program, and every
//! field that is written has its line in the schema.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{quiet, rich, small};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema() -> Value {
    let text = std::fs::read_to_string(root().join("docs/report.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn report(of: &auscult_model::report::Report) -> Value {
    serde_json::from_str(&auscult_report::json(of).unwrap()).unwrap()
}

/// Follows `$ref`, and the branch of `oneOf` that is not null.
fn resolved<'s>(root: &'s Value, at: &'s Value) -> &'s Value {
    if let Some(name) = at["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).expect(name);
        return resolved(root, target);
    }
    match at["oneOf"].as_array() {
        Some(branches) => resolved(root, &branches[0]),
        None => at,
    }
}

/// Every field of the value that the schema does not describe, by path.
fn undescribed(root: &Value, schema: &Value, value: &Value, path: &str, out: &mut Vec<String>) {
    let schema = resolved(root, schema);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = format!("{path}/{name}");
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Null) => out.push(path),
                    (Value::Null, _) => {}
                    (described, _) => undescribed(root, described, field, &path, out),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if item.is_object() {
                    undescribed(root, &schema["items"], item, path, out);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_is_described() {
    let schema = schema();
    let mut missing = Vec::new();
    undescribed(&schema, &schema, &report(&rich()), "", &mut missing);
    assert!(
        missing.is_empty(),
        "add to docs/report.schema.json: {missing:?}"
    );
    let mut more = report(&small());
    more["devices"][0]["talks_to"][0]["colour"] = "red".into();
    undescribed(&schema, &schema, &more, "", &mut missing);
    assert_eq!(missing, ["/devices/talks_to/colour"]);
}

const VALIDATE: &str = "
import json, sys
from jsonschema import Draft202012Validator as V
schema, reports = json.load(open(sys.argv[1])), json.load(sys.stdin)
V.check_schema(schema)
for number, report in enumerate(reports):
    for error in V(schema).iter_errors(report):
        print(number, list(error.path), error.message[:200])
";

/// The first Python that has the `jsonschema` package.
fn python() -> Option<PathBuf> {
    [
        root().join("target/python/bin/python"),
        PathBuf::from("python3"),
    ]
    .into_iter()
    .find(|python| {
        Command::new(python)
            .args(["-c", "import jsonschema"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

#[test]
fn the_json_is_valid() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: no Python with the package jsonschema; the schema is not checked");
        return;
    };
    // The last report is wrong in four places: each must be found, or the schema says nothing.
    let mut wrong = report(&small());
    wrong["devices"][0]["role"] = "toaster".into();
    wrong["devices"][0]["first_seen"] = "yesterday".into();
    wrong["findings"][0]["evidence"][0]["packet"] = 0.into();
    wrong["coverage"][0]
        .as_object_mut()
        .unwrap()
        .remove("answer");
    let reports = Value::Array(vec![
        report(&rich()),
        report(&quiet()),
        report(&small()),
        wrong,
    ]);
    let mut child = Command::new(python)
        .args(["-c", VALIDATE])
        .arg(root().join("docs/report.schema.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(reports.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let (of_wrong, others): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("3 "));
    assert!(others.is_empty(), "{said}");
    assert_eq!(of_wrong.len(), 4, "{said}");
}
