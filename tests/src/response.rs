use serde_json::Value;

use crate::Answer;

/// Reads one HTTP/1.1 answer; `None` if it is not whole. An answer that says nothing of its length ends with
/// its connection.
pub(crate) fn parse(asked: &str, bytes: &[u8], connection_ended: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let rest = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    if (100..200).contains(&status) {
        return parse(asked, rest, connection_ended);
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header =
        |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let without_body = asked.starts_with("HEAD ") || status == 204 || status == 304;
    let body = if without_body {
        Vec::new()
    } else if header("transfer-encoding") == Some("chunked") {
        unchunk(rest)?
    } else if let Some(length) = header("content-length") {
        rest.get(..length.parse().ok()?)?.to_vec()
    } else if connection_ended {
        rest.to_vec()
    } else {
        return None;
    };
    let json =
        header("content-type").is_some_and(|of| of.starts_with("application/json") || of.contains("+json"));
    let text = String::from_utf8_lossy(&body).into_owned();
    let body = if json && !text.is_empty() { serde_json::from_str(&text).ok()? } else { Value::Null };
    Some(Answer { asked: asked.to_owned(), status, headers, body, text })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..line_end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let chunk = bytes.get(line_end + 2..line_end + 2 + size)?;
        body.extend_from_slice(chunk);
        bytes = bytes.get(line_end + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_after_an_interim_one() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n";
        let answer = parse("GET /", bytes, false).unwrap();
        assert_eq!((answer.status, &answer.body["a"]), (200, &serde_json::json!(1)));
    }

    #[test]
    fn an_answer_that_was_cut_off_is_none() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\nContent-Len"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ] {
            assert!(parse("GET /", bytes, true).is_none());
        }
    }
}
