//! What a server is to do about an attack.

use std::fmt;

use crate::messages::AttackState;

/// What a server does about an attack, besides its honest clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It answers each request with this, and ends no connection.
    Answered(&'static str),
    /// It ends connections, after one of these answers or none.
    Ended(&'static [&'static str]),
    /// It goes on: it answers nothing, and ends no connection within the time of the attack.
    Endured,
}

impl Expected {
    /// Whether it has happened.
    pub(crate) fn has_happened(self, state: &AttackState) -> bool {
        match self {
            Self::Answered(_) => !state.answers.is_empty(),
            Self::Ended(_) => state.ended > 0,
            Self::Endured => true,
        }
    }

    /// Returns what has happened instead.
    pub(crate) fn complaints(self, state: &AttackState) -> Vec<String> {
        let answers: &[_] = match &self {
            Self::Answered(answer) => &[*answer],
            Self::Ended(answers) => answers,
            Self::Endured => &[],
        };
        let mut complaints: Vec<_> = state
            .answers
            .iter()
            .filter(|(answer, _)| !answers.contains(&answer.as_str()))
            .map(|(answer, count)| format!("{answer}, {count} times, expected {self}"))
            .collect();
        if state.ended > 0 && !matches!(self, Self::Ended(_)) {
            complaints.push(format!(
                "{} connections ended, expected {self}",
                state.ended
            ));
        }
        complaints
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(answer) => write!(f, "{answer}"),
            Self::Ended([]) => write!(f, "the end"),
            Self::Ended(answers) => write!(f, "the end, after {}", answers.join(" or ")),
            Self::Endured => write!(f, "nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ended: u64, answers: &[&str]) -> AttackState {
        AttackState {
            ended,
            answers: answers.iter().map(|it| (it.to_string(), 1)).collect(),
            ..AttackState::default()
        }
    }

    #[test]
    fn what_is_expected_is_no_complaint_and_anything_else_is() {
        let cases = [
            (Expected::Answered("503"), state(0, &["503"]), 0),
            (Expected::Answered("503"), state(0, &["200", "503"]), 1),
            (Expected::Answered("503"), state(1, &["503"]), 1),
            (Expected::Ended(&["431"]), state(3, &["431"]), 0),
            (Expected::Ended(&["431"]), state(3, &["200"]), 1),
            (Expected::Endured, state(0, &[]), 0),
            (Expected::Endured, state(1, &["200"]), 2),
        ];
        for (expected, state, complaints) in cases {
            let found = expected.complaints(&state);
            assert_eq!(found.len(), complaints, "{expected:?}: {found:?}");
        }
    }

    #[test]
    fn what_is_expected_must_happen() {
        assert!(!Expected::Answered("200").has_happened(&state(0, &[])));
        assert!(!Expected::Ended(&[]).has_happened(&state(0, &["431"])));
        assert!(Expected::Ended(&[]).has_happened(&state(1, &[])));
    }
}
