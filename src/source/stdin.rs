//! Standard input.

use std::io::{Cursor, Read};

use super::{Blob, Content, Gap, GapKind, Item, Origin, RelPath, Sink, tree::WHOLE};

/// Hands what `input` gives to the sink as one blob. What is longer than 16 MiB goes through a
/// window, so a stream without end costs no more memory than that.
pub fn read(name: &str, mut input: Box<dyn Read + Send>, sink: &Sink<'_>) {
    let mut bytes = Vec::new();
    if let Err(error) = input.by_ref().take(WHOLE + 1).read_to_end(&mut bytes) {
        let gap = Gap { what: name.to_owned(), kind: GapKind::Unreadable, message: error.to_string() };
        if sink(Item::Gap(gap)).is_break() {
            return;
        }
    }
    let content = if bytes.len() as u64 > WHOLE {
        Content::Stream(Box::new(Cursor::new(bytes).chain(input)))
    } else {
        Content::Bytes(bytes)
    };
    let origin = Origin::Stdin { name: RelPath::new(name) };
    let _ = sink(Item::Blob(Blob { origin, content }));
}
