//! The end of a document in CBOR (RFC 8949).

/// Whether this is one map, and nothing after it.
pub(crate) fn is_whole_map(bytes: &[u8]) -> bool {
    const MAP: u8 = 5;
    bytes.first().is_some_and(|first| first >> 5 == MAP) && is_whole(bytes).is_some()
}

/// What is still open: nesting costs memory, not stack.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// So many more items.
    Items(u64),
    /// Items until a break.
    Endless,
    /// Parts of a text or of bytes until a break, each of this major type.
    Parts(u8),
}

fn is_whole(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes;
    let mut open = vec![Open::Items(1)];
    while let Some(within) = open.last().copied() {
        if let Open::Items(0) = within {
            open.pop();
            continue;
        }
        let first = take(&mut rest, 1)?[0];
        let (major, argument) = (first >> 5, argument(first & 31, &mut rest)?);
        if (major, argument) == (7, None) {
            let (Open::Endless | Open::Parts(_)) = within else { return None };
            open.pop();
            continue;
        }
        match (within, open.last_mut()) {
            (Open::Parts(of), _) if major != of || argument.is_none() => return None,
            (_, Some(Open::Items(left))) => *left -= 1,
            _ => {}
        }
        match (major, argument) {
            (0 | 1 | 7, Some(_)) => {}
            (2 | 3, Some(length)) => {
                take(&mut rest, usize::try_from(length).ok()?)?;
            }
            (2 | 3, None) => open.push(Open::Parts(major)),
            (4, Some(length)) => open.push(Open::Items(length)),
            (5, Some(length)) => open.push(Open::Items(length.checked_mul(2)?)),
            (4 | 5, None) => open.push(Open::Endless),
            (6, Some(_)) => open.push(Open::Items(1)),
            _ => return None,
        }
    }
    rest.is_empty().then_some(())
}

/// The argument of an item; `None` inside if its length is told by a break.
fn argument(information: u8, rest: &mut &[u8]) -> Option<Option<u64>> {
    let length = match information {
        0..24 => return Some(Some(information.into())),
        24..28 => 1 << (information - 24),
        31 => return Some(None),
        _ => return None,
    };
    Some(Some(take(rest, length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds of items in an answer: a map with a list, a text, numbers, a time, `null`, and all that end with a
    /// break.
    const WHOLE: &[u8] = b"\xbf\x61a\x84\x01\x20\xfb\x3f\xf8\0\0\0\0\0\0\xf6\x61b\xc1\x1a\x65\0\0\0\
        \x61c\x7f\x62hi\x60\xff\x78\x01d\x9f\xa1\x61e\xf5\xff\x61f\xa0\xff";

    #[test]
    fn a_map_is_whole_with_its_last_byte_and_not_before() {
        assert!(is_whole_map(WHOLE));
        for end in 0..WHOLE.len() {
            assert!(!is_whole_map(&WHOLE[..end]), "{end}");
        }
        assert!(!is_whole_map(&[WHOLE, b"\0"].concat()));
        assert!(is_whole_map(b"\xa0") && is_whole_map(b"\xbf\xff"));
    }

    #[test]
    fn what_is_not_well_formed_is_not_whole() {
        for bytes in [
            &b"\x80"[..],                                     // A list.
            b"\xff",                                          // A break of nothing.
            b"\xa1\x61a\xff",                                 // A break in a map that told its length.
            b"\xbf\x7f\x41a\xff\x01\xff",                     // Bytes in a text.
            b"\xbf\x7f\x7f\xff\xff\x01\xff",                  // A text of unknown length in another.
            b"\xa1\x61a\x1c",                                 // A length that is reserved.
            b"\xa1\x61a\xdf\x01",                             // A tag without a number.
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",          // More pairs than any memory holds.
            b"\xa1\x61a\x5b\xff\xff\xff\xff\xff\xff\xff\xff", // More bytes than any memory holds.
        ] {
            assert!(!is_whole_map(bytes), "{bytes:x?}");
        }
    }

    #[test]
    fn nesting_needs_no_stack() {
        let mut deep = vec![0xa1, 0x00];
        deep.extend(std::iter::repeat_n(0x81, 1_000_000));
        assert!(!is_whole_map(&deep));
        deep.push(0);
        assert!(is_whole_map(&deep));
    }
}
