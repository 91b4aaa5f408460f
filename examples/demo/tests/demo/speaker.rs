//! A visitor of the chat without a page.

use crate::process::post;

/// A sender without a page, which numbers its messages as a page does.
#[derive(Default)]
pub(crate) struct Speaker {
    pub(crate) said: u64,
}

impl Speaker {
    pub(crate) async fn say(&mut self, address: &str) {
        let (number, after) = (self.said + 1, self.said);
        let target =
            format!("/chat/say?room=test&name=Linus&page=speaker&number={number}&after={after}");
        let form = format!("topic=chat/test&data=message+{number}");
        assert_eq!(post(address, &target, &form).await.status(), "204");
        self.said = number;
    }
}
