//! W3C Trace Context: the identifier of the trace that a request belongs to, for logs.

use http::HeaderMap;

const TRACEPARENT: &str = "traceparent";

/// The trace of `traceparent: 00-<32 hex digits>-<16 hex digits>-<2 hex digits>`. What is not well-formed names none, and does
/// not get into a log.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get(TRACEPARENT)?.to_str().ok()?.split('-');
    let hex = |part: &&str, len: usize| {
        part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    parts.next().filter(|version| hex(version, 2) && *version != "ff")?;
    let trace = parts.next().filter(|trace| hex(trace, 32) && trace.bytes().any(|b| b != b'0'))?;
    parts.next().filter(|parent| hex(parent, 16) && parent.bytes().any(|b| b != b'0'))?;
    parts.next().filter(|flags| hex(flags, 2))?;
    Some(trace)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_names_a_trace() {
        let named = |text: &'static str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(TRACEPARENT),
                HeaderValue::from_static(text),
            )]);
            trace_id(&headers).map(str::to_owned)
        };
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(named("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(), Some(trace));
        assert_eq!(
            named("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").as_deref(),
            Some(trace)
        );
        for ill in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        ] {
            assert_eq!(named(ill), None, "{ill}");
        }
        assert_eq!(trace_id(&HeaderMap::new()), None);
    }
}
