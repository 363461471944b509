use std::time::SystemTime;

use chaos_core::{Error, ErrorKind, Result};
use lettre::message::{
    Mailbox, Message as Letter, SinglePart,
    header::{HeaderName, HeaderValue},
};

use crate::message::{Kind, Message};

/// The mail of a message. Mails about one fault, and those about one run, are one thread: the announcement begins it,
/// and the others refer to its `Message-ID` whether it was sent or not.
pub(super) fn letter(message: &Message, from: &Mailbox, to: &[Mailbox]) -> Result<Letter> {
    let domain = from.email.domain();
    let thread = match (message.fault, message.run) {
        (Some(fault), _) => Some(format!("<fault-{fault}@{domain}>")),
        (None, Some(run)) => Some(format!("<run-{run}@{domain}>")),
        (None, None) => None,
    };
    let is_first = message.fault.is_some() && message.kind == Kind::Announced;
    let id = format!("<{}@{domain}>", message.id());
    let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    let mut letter = Letter::builder()
        .from(from.clone())
        .date(SystemTime::from(message.at))
        .subject(&message.subject)
        // So that nobody's absence is told to the sender.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("Chaos-Kind", message.kind.as_str()));
    for recipient in to {
        letter = letter.to(recipient.clone());
    }
    letter = match thread {
        Some(thread) if is_first => letter.message_id(Some(thread)),
        Some(thread) => letter.message_id(Some(id)).in_reply_to(thread.clone()).references(thread),
        None => letter.message_id(Some(id)),
    };
    letter
        .singlepart(SinglePart::plain(message.body.clone()))
        .map_err(|error| Error::new(ErrorKind::Other, "a mail cannot be made of a message").caused_by(error))
}
