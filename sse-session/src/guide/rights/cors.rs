use http::{HeaderMap, header};
use sse_session::SseOptions;

/// The origins of the pages that may read the stream with their user's cookies, as browsers write them.
const PAGES: [&str; 2] = ["https://app.example", "https://admin.example:8443"];

/// Returns the options of a stream for the page that asks; `None`, to be answered with 403, for a page
/// of another origin. Requests of pages of this origin have none, nor have those of programs.
pub(crate) fn for_page(options: SseOptions, request: &HeaderMap) -> Option<SseOptions> {
    // Or a cache gives the answer for one page to another one.
    let options = options.header(header::VARY, "Origin").ok()?;
    let mut origins = request.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Some(options);
    };
    let page = PAGES.into_iter().find(|page| origin == page)?;
    if origins.next().is_some() {
        return None;
    }
    options
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, page)
        .and_then(|options| options.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"))
        .ok()
}
