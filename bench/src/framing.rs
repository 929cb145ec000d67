//! Where an answer ends, and whether it is the right one.

/// How answers are told apart on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Http,
    /// A bulk string of Redis's protocol.
    Redis,
}

/// A request, and what its answer must be.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    pub(crate) begins: &'static [u8],
    /// What must stand somewhere in it. Empty: nothing.
    pub(crate) holds: Vec<u8>,
}

impl Exchange {
    pub(crate) fn is_right(&self, answer: &[u8]) -> bool {
        answer.starts_with(self.begins) && (self.holds.is_empty() || find(answer, &self.holds).is_some())
    }
}

impl Framing {
    /// How long the first answer is, if all of it is there.
    pub(crate) fn whole(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Http => {
                let head = find(bytes, b"\r\n\r\n")? + 4;
                let body = content_length(bytes.get(..head)?).unwrap_or(0);
                (bytes.len() >= head + body).then_some(head + body)
            }
            Self::Redis => {
                let line = find(bytes, b"\r\n")?;
                let said = std::str::from_utf8(bytes.get(1..line)?).ok()?;
                let len = match (bytes.first(), said.parse::<usize>()) {
                    (Some(b'$'), Ok(len)) => line + 2 + len + 2,
                    _ => line + 2,
                };
                (bytes.len() >= len).then_some(len)
            }
        }
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let lines = head.split(|byte| *byte == b'\n');
    let mut fields = lines.filter_map(|line| line.split_at_checked(NAME.len()));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case(NAME))?;
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_it_says() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP";
        assert_eq!(Framing::Http.whole(answer), Some(answer.len() - 4));
        assert_eq!(Framing::Http.whole(&answer[..answer.len() - 5]), None);
        assert_eq!(Framing::Http.whole(b"HTTP/1.1 204 No Content\r\n\r\n"), Some(27));
        assert_eq!(Framing::Redis.whole(b"$3\r\nabc\r\n$"), Some(9));
        assert_eq!(Framing::Redis.whole(b"$3\r\nab"), None);
        assert_eq!(Framing::Redis.whole(b"$-1\r\n"), Some(5));
    }

    #[test]
    fn another_status_or_another_key_is_wrong() {
        let exchange = Exchange { request: vec![], begins: b"HTTP/1.1 200 ", holds: b"key_1\r\n".to_vec() };
        assert!(exchange.is_right(b"HTTP/1.1 200 OK\r\nx-keyward-key-id: key_1\r\n\r\n"));
        assert!(!exchange.is_right(b"HTTP/1.1 200 OK\r\nx-keyward-key-id: key_12\r\n\r\n"));
        assert!(!exchange.is_right(b"HTTP/1.1 403 Forbidden\r\nx-keyward-key-id: key_1\r\n\r\n"));
    }
}
