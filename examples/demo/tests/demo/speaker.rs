//! A visitor of the chat without a page.

use crate::process::get;

/// A sender without a page, which numbers its messages as a page does.
#[derive(Default)]
pub(crate) struct Speaker {
    pub(crate) said: u64,
}

impl Speaker {
    pub(crate) async fn say(&mut self, address: &str) {
        let (number, after) = (self.said + 1, self.said);
        let target = format!(
            "/chat/say?room=test&name=Linus&text=message+{number}\
             &page=speaker&number={number}&after={after}"
        );
        assert_eq!(get(address, &target).await.status(), "204");
        self.said = number;
    }
}
