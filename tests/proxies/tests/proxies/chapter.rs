//! The chapter of the guide gives the lines with which the proxies are tested.

use std::fs;
use std::path::Path;

#[test]
fn the_chapter_quotes_every_file_of_lines() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sse-session/src/guide");
    let chapter = fs::read_to_string(guide.join("proxies.md")).expect("the chapter");
    let mut files = 0;
    for file in fs::read_dir(guide.join("proxies")).expect("a folder") {
        let file = file.expect("a file").path();
        let lines = fs::read_to_string(&file).expect("text");
        assert!(
            chapter.contains(&format!("\n{lines}```")),
            "{} is not in the chapter as it is",
            file.display()
        );
        files += 1;
    }
    assert!(files >= 10, "{files} files");
}
