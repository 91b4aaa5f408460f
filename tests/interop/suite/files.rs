//! The files that a browser needs: the page, the drivers, and the packages from npm.

use std::fs;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use http::{Response, header};

use crate::installed;
use crate::server::{Answer, not_found};

/// Answers with the file at `/browser/...`, `/node/...` or `/package/...`.
pub(crate) fn answer(path: &str) -> Answer {
    let Some(file) = file(path) else {
        return not_found();
    };
    let kind = match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    let Ok(content) = fs::read(&file) else {
        return not_found();
    };
    let response = Response::builder().header(header::CONTENT_TYPE, kind);
    Answer::Plain(response.body(Bytes::from(content)).expect("valid headers"))
}

fn file(path: &str) -> Option<PathBuf> {
    let path = Path::new(path.strip_prefix('/')?);
    let is_below = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_below {
        return None;
    }
    let file = match path.strip_prefix("package") {
        Ok(package) => installed::packages().join("node_modules").join(package),
        Err(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join(path),
    };
    // Modules that are made for a bundler import others without this ending.
    Some(if file.is_file() {
        file
    } else {
        file.with_extension("js")
    })
}
