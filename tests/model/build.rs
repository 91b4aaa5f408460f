//! Selects loom's primitives in `sse-session/src/sync.rs`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sse_model)");
    // The features of sse-session. None is on: the models need none.
    println!("cargo::rustc-check-cfg=cfg(feature, values(\"json\", \"http-body\"))");
    println!("cargo::rustc-cfg=sse_model");
    println!("cargo::rerun-if-changed=build.rs");
}
