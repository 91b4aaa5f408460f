//! Selects loom's primitives in `sse-hub/src/sync.rs`, and declares the features that are left out.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sse_model)");
    println!("cargo::rustc-cfg=sse_model");
    println!(
        r#"cargo::rustc-check-cfg=cfg(feature, values("gzip", "metrics", "nats", "redis", "serde"))"#
    );
    println!("cargo::rerun-if-changed=build.rs");
}
