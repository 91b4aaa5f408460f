//! Selects loom's primitives in `sse-session/src/sync.rs`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sse_model)");
    // A feature of sse-session that is left out.
    println!(r#"cargo::rustc-check-cfg=cfg(feature, values("gzip"))"#);
    println!("cargo::rustc-cfg=sse_model");
    println!("cargo::rerun-if-changed=build.rs");
}
