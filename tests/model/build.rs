//! Selects loom's primitives in `sse-session/src/sync.rs`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sse_model)");
    println!("cargo::rustc-cfg=sse_model");
    println!("cargo::rerun-if-changed=build.rs");
}
