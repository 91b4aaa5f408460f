//! The public API of a crate, as rustdoc writes it in JSON.
//!
//! The format changes with the compiler, so little of it is assumed: items are in an index, an item
//! lists those below it by number, and a type or trait is an object with a `path` and an `id`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::result::Result;

/// The public API of a crate.
#[derive(Debug, Default)]
pub(super) struct Api {
    /// The number of items of each kind, without those of trait implementations.
    pub(super) items: BTreeMap<String, usize>,
    /// The types and traits of other crates that the API names.
    pub(super) external: BTreeSet<External>,
}

/// A type or trait of another crate, where the API names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct External {
    /// The crate that defines it, by its name in Rust code.
    pub(super) library: String,
    /// The path in that crate.
    pub(super) path: String,
    /// The item that names it.
    pub(super) used_by: String,
}

impl Api {
    /// Reads a file of rustdoc.
    pub(super) fn read(text: &str) -> Result<Self> {
        let document: Value = serde_json::from_str(text)?;
        let root = number(&document["root"]).ok_or("the documentation has no root")?;
        let mut reader = Reader {
            document: &document,
            visited: BTreeSet::new(),
            api: Self::default(),
        };
        let place = Place {
            path: String::new(),
            is_counted: true,
        };
        reader.visit(root, &place);
        Ok(reader.api)
    }
}

struct Reader<'a> {
    document: &'a Value,
    visited: BTreeSet<u64>,
    api: Api,
}

/// The lists in which an item names those below it, by number.
const CHILDREN: [&str; 6] = [
    "items",
    "impls",
    "implementations",
    "variants",
    "fields",
    "tuple",
];

/// Where an item is.
#[derive(Clone)]
struct Place {
    path: String,
    /// Whether items here are counted; those of trait implementations are not.
    is_counted: bool,
}

impl<'a> Reader<'a> {
    /// Reads the item `id`, which is below `place`.
    fn visit(&mut self, id: u64, place: &Place) {
        let Some((item, kind, inner)) = self.item(id) else {
            // A re-export of something in another crate.
            return self.name_external(id, place);
        };
        if kind == "use" {
            if let Some(id) = number(&inner["id"]) {
                self.visit(id, place);
            }
            return;
        }
        let is_written = inner["is_synthetic"] != true && inner["blanket_impl"].is_null();
        if !is_written || !self.visited.insert(id) {
            return;
        }
        let mut place = place.clone();
        if let Some(name) = item["name"].as_str() {
            if !place.path.is_empty() {
                place.path += "::";
            }
            place.path += name;
        }
        if kind == "impl" {
            place.is_counted &= inner["trait"].is_null();
        } else if place.is_counted {
            *self.api.items.entry(kind.clone()).or_default() += 1;
        }
        self.read(inner, &place);
    }

    /// Reads the contents of an item: types, and the numbers of other items.
    fn read(&mut self, value: &'a Value, place: &Place) {
        match value {
            Value::Array(values) => {
                for value in values {
                    self.read(value, place);
                }
            }
            Value::Object(fields) => {
                if let (Some(id), true) = (number(&value["id"]), fields.contains_key("path")) {
                    self.name_external(id, place);
                }
                for (name, value) in fields {
                    if CHILDREN.contains(&name.as_str()) {
                        let items = value.as_array().into_iter().flatten();
                        for id in items.filter_map(number) {
                            self.visit(id, place);
                        }
                    }
                    self.read(value, place);
                }
            }
            _ => {}
        }
    }

    /// Returns an item of this crate, with its kind and contents.
    fn item(&self, id: u64) -> Option<(&'a Value, &'a String, &'a Value)> {
        let item = self.document["index"].get(id.to_string())?;
        let (kind, inner) = item["inner"].as_object()?.iter().next()?;
        (item["crate_id"] == 0).then_some((item, kind, inner))
    }

    /// Records that `place` names the type or trait `id`, if it is of another crate.
    fn name_external(&mut self, id: u64, place: &Place) {
        let summary = &self.document["paths"][id.to_string()];
        let library = number(&summary["crate_id"]).filter(|library| *library != 0);
        let Some(library) = library else {
            return;
        };
        let library = &self.document["external_crates"][library.to_string()]["name"];
        let segments = summary["path"].as_array().into_iter().flatten();
        let segments: Vec<_> = segments.filter_map(Value::as_str).collect();
        self.api.external.insert(External {
            library: library.as_str().unwrap_or_default().to_owned(),
            path: segments.join("::"),
            used_by: place.path.clone(),
        });
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(name: &str, inner: Value) -> Value {
        json!({ "crate_id": 0, "name": name, "inner": inner })
    }

    /// `pub fn get(&self) -> http::Response<bytes::Bytes>` of a struct, with two implementations
    /// of traits and a re-export.
    fn document() -> String {
        let path =
            |path: &str, id: u64, args: Value| json!({ "path": path, "id": id, "args": args });
        let bytes = json!({ "resolved_path": path("Bytes", 11, Value::Null) });
        let arguments = json!({ "angle_bracketed": { "args": [{ "type": bytes }] } });
        let response = json!({ "resolved_path": path("http::Response", 10, arguments) });
        let implementation = |of: Value, items: Value, blanket: Value| {
            json!({ "impl": {
                "trait": of, "items": items, "blanket_impl": blanket, "is_synthetic": false,
            } })
        };
        let stream = path("Stream", 12, Value::Null);
        let into = path("Into", 13, Value::Null);
        json!({
            "root": 0,
            "index": {
                "0": item("ours", json!({ "module": { "items": [1, 2] } })),
                "1": item("", json!({ "use": { "id": 3 } })),
                "2": item("", json!({ "use": { "id": 14 } })),
                "3": item("Client", json!({ "struct": {
                    "kind": { "plain": { "fields": [4] } }, "impls": [5, 6, 7],
                } })),
                "4": item("field", json!({ "struct_field": { "primitive": "u8" } })),
                "5": { "crate_id": 0, "name": null,
                    "inner": implementation(Value::Null, json!([8]), Value::Null) },
                "6": { "crate_id": 0, "name": null,
                    "inner": implementation(stream, json!([9]), Value::Null) },
                "7": { "crate_id": 0, "name": null,
                    "inner": implementation(into, json!([]), json!({ "generic": "T" })) },
                "8": item("get", json!({ "function": { "sig": { "output": response } } })),
                "9": item("poll_next", json!({ "function": { "sig": {} } })),
            },
            "paths": {
                "3": { "crate_id": 0, "path": ["ours", "Client"] },
                "10": { "crate_id": 1, "path": ["http", "response", "Response"] },
                "11": { "crate_id": 2, "path": ["bytes", "Bytes"] },
                "12": { "crate_id": 3, "path": ["futures_core", "Stream"] },
                "13": { "crate_id": 4, "path": ["core", "Into"] },
                "14": { "crate_id": 5, "path": ["url", "Url"] },
            },
            "external_crates": {
                "1": { "name": "http" }, "2": { "name": "bytes" }, "3": { "name": "futures_core" },
                "4": { "name": "core" }, "5": { "name": "url" },
            },
        })
        .to_string()
    }

    #[test]
    fn types_of_other_crates_are_found_with_the_item_that_names_them() {
        let api = Api::read(&document()).unwrap();
        let external = api.external.iter();
        let external: Vec<_> = external.map(|it| (&*it.path, &*it.used_by)).collect();
        assert_eq!(
            external,
            [
                ("bytes::Bytes", "ours::Client::get"),
                ("futures_core::Stream", "ours::Client"),
                ("http::response::Response", "ours::Client::get"),
                ("url::Url", "ours"),
            ]
        );
    }

    #[test]
    fn items_are_counted_but_for_those_of_trait_implementations() {
        let api = Api::read(&document()).unwrap();
        let items: Vec<_> = api
            .items
            .iter()
            .map(|(kind, count)| (&**kind, *count))
            .collect();
        let expected = [
            ("function", 1),
            ("module", 1),
            ("struct", 1),
            ("struct_field", 1),
        ];
        assert_eq!(items, expected);
    }
}
