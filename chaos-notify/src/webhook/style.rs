use std::{fmt, str::FromStr};

use chaos_core::{Error, Result, text::nearest};

use super::{slack, teams};
use crate::message::Message;

/// What a [`Webhook`](crate::webhook::Webhook) sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// [`Message::to_json`], for a program of your own.
    #[default]
    Json,
    /// For an incoming webhook of Slack: the subject and the body as plain text. Nothing in it is a mention, a link or
    /// a format.
    Slack,
    /// For a workflow of Microsoft Teams that posts what a webhook receives: an Adaptive Card of plain text.
    Teams,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 3] = [Self::Json, Self::Slack, Self::Teams];

    /// The name of the style: `json`, `slack` or `teams`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }

    pub(super) fn body(self, message: &Message) -> String {
        match self {
            Self::Json => message.to_json(),
            Self::Slack => slack::body(message),
            Self::Teams => teams::body(message),
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Style {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|style| style.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let near = nearest(text, names).map(|name| format!("; the nearest is {name}"));
            let expected = format!("one of {}{}", names.join(", "), near.unwrap_or_default());
            Error::invalid("style of webhook", format!("{text:?}"), expected)
        })
    }
}
