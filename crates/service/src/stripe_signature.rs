//! The signatures that Stripe puts on its webhooks: an HMAC-SHA256 of the time and the body, with a secret that
//! only Stripe and this deployment know. <https://docs.stripe.com/webhooks/signature>
//!
//! The header reads `t=1794873600,v1=<64 hex digits>`, with a `v1` for each secret while one replaces another. Other
//! schemes, such as `v0`, are passed over: a weaker one must not open what the stronger one guards.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

/// How far the time of a signature may be from ours, both ways: Stripe's own libraries take as much. A delivery
/// that somebody recorded is of no use later.
const TOLERANCE_SECONDS: i64 = 300;
/// Bytes of an HMAC-SHA256.
const MAC_LEN: usize = 32;
/// Longest time, in digits: no second needs more for the next 30,000 years.
const TIME_DIGITS_MAX: usize = 12;

type HmacSha256 = Hmac<Sha256>;

/// The signing secret of an endpoint, such as `whsec_…`. Its `Debug` is redacted and its memory is cleared.
pub struct WebhookSecret(Zeroizing<String>);

impl WebhookSecret {
    /// Takes the text as Stripe shows it: all of it is the key, with its prefix.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}

/// Why a body is not taken for Stripe's. For the log: whoever sent it is told the same about all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is no header, or more than one.
    #[error("there is not exactly one Stripe-Signature header")]
    Missing,
    /// The header is not of Stripe's form.
    #[error("the Stripe-Signature header is malformed")]
    Malformed,
    /// It was signed too long ago, or in the future.
    #[error("the signature is of another time; compare this machine's clock")]
    OutOfTime,
    /// No signature is one of ours.
    #[error("no signature fits the body and billing.stripe_webhook_secret")]
    Mismatch,
}

/// Whether one of `secrets` signed this body within the last minutes.
pub fn verify(
    secrets: &[WebhookSecret],
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), BadSignature> {
    let signed = Header::parse(header).ok_or(BadSignature::Malformed)?;
    if signed.seconds.abs_diff(now.as_second()) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(BadSignature::OutOfTime);
    }
    let fits = secrets.iter().any(|secret| signed.is_by(secret, body));
    fits.then_some(()).ok_or(BadSignature::Mismatch)
}

/// A header, read.
#[derive(Debug, PartialEq, Eq)]
struct Header<'h> {
    /// The time as it was written: that text was signed.
    time: &'h str,
    seconds: i64,
    signatures: Vec<[u8; MAC_LEN]>,
}

impl<'h> Header<'h> {
    /// `None`: not of the form. A `v1` that is no HMAC-SHA256 fits nothing, and is left out.
    fn parse(text: &'h str) -> Option<Self> {
        let mut time = None;
        let mut signatures = Vec::new();
        for element in text.split(',') {
            match element.split_once('=')? {
                ("t", _) if time.is_some() => return None,
                ("t", value) => time = Some(value),
                ("v1", value) => signatures.extend(from_hex(value)),
                _ => {}
            }
        }
        let time = time?;
        Some(Self { time, seconds: seconds(time)?, signatures })
    }

    /// Whether one of the signatures is this secret's. The comparison takes the same time wherever they differ.
    fn is_by(&self, secret: &WebhookSecret, body: &[u8]) -> bool {
        // Keys of any length are fine; the error cannot happen.
        let Ok(mac) = HmacSha256::new_from_slice(secret.0.as_bytes()) else { return false };
        let mac = mac.chain_update(self.time).chain_update(".").chain_update(body);
        self.signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    }
}

/// Digits alone: neither a sign nor spaces.
fn seconds(text: &str) -> Option<i64> {
    let fits = (1..=TIME_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Hex as Stripe writes it, in lower case: one signature has one form.
fn from_hex(text: &str) -> Option<[u8; MAC_LEN]> {
    let mut bytes = [0; MAC_LEN];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != MAC_LEN || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "whsec_Zm9yIHRlc3RzIGFsb25l";
    const ANOTHER: &str = "whsec_YW5vdGhlciBvbmUgYXMgd2VsbA";
    const SIGNED_AT: i64 = 1_794_873_600;
    const BODY: &str = r#"{"id":"evt_1","object":"event"}"#;
    const SIGNATURE: &str = "f63f3900794ed4fd2d25efe008da5e4bec3c00318fc633e1ff884c335dda1752";
    const SIGNATURE_OF_ANOTHER: &str = "58010ac2c00fd46290cc93c3ecae99f8d3145806b28f6983cdd8b6cbbb5ff1c6";

    fn check(secret: &str, header: &str, body: &[u8], at: i64) -> Result<(), BadSignature> {
        verify(&[WebhookSecret::new(secret)], header, body, Timestamp::from_second(at).unwrap())
    }

    /// The body of the tests, at the second in which it was signed.
    fn check_header(header: &str) -> Result<(), BadSignature> {
        check(SECRET, header, BODY.as_bytes(), SIGNED_AT)
    }

    /// Computed by Python and by OpenSSL, and taken by Stripe's own library for Python (16.1.0):
    /// `hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()`.
    #[test]
    fn signatures_that_were_computed_elsewhere_fit() {
        let long = "k".repeat(100);
        let vectors: [(&str, i64, &[u8], &str); 5] = [
            (SECRET, SIGNED_AT, BODY.as_bytes(), SIGNATURE),
            (ANOTHER, SIGNED_AT, BODY.as_bytes(), SIGNATURE_OF_ANOTHER),
            (
                SECRET,
                SIGNED_AT,
                r#"{"name":"Zoë – 株式会社"}"#.as_bytes(),
                "6c6837a4055f5ef219fd3f88efaac80cbd3b93d6e2cebc43002bdef3e9ebc84a",
            ),
            (SECRET, SIGNED_AT, b"", "ae8d98c975d8afd965bde98c612ec77ccc63390d152fbe09ce6faafc7f44c63a"),
            // A key longer than a block of SHA-256, and bytes that are no text.
            (&long, 1, b"\x00\xff\r\n", "d69e5deb60091046d3dfa246a364388458d328e455930e335b2ad4edd00ef1b4"),
        ];
        for (secret, at, body, signature) in vectors {
            assert_eq!(check(secret, &format!("t={at},v1={signature}"), body, at), Ok(()), "{signature}");
        }
    }

    #[test]
    fn any_of_several_signatures_and_secrets_will_do() {
        let both = format!("t={SIGNED_AT},v1={SIGNATURE_OF_ANOTHER},v1={SIGNATURE},v0={SIGNATURE}");
        for secret in [SECRET, ANOTHER] {
            assert_eq!(check(secret, &both, BODY.as_bytes(), SIGNED_AT), Ok(()));
        }
        let now = Timestamp::from_second(SIGNED_AT).unwrap();
        let secrets = [WebhookSecret::new("whsec_retired"), WebhookSecret::new(SECRET)];
        let header = format!("v1=nonsense,v1={SIGNATURE},t={SIGNED_AT}");
        assert_eq!(verify(&secrets, &header, BODY.as_bytes(), now), Ok(()));
        assert_eq!(verify(&[], &header, BODY.as_bytes(), now), Err(BadSignature::Mismatch));
    }

    #[test]
    fn what_was_signed_otherwise_is_refused() {
        let header = format!("t={SIGNED_AT},v1={SIGNATURE}");
        let mismatch = Err(BadSignature::Mismatch);
        assert_eq!(check(ANOTHER, &header, BODY.as_bytes(), SIGNED_AT), mismatch);
        assert_eq!(check(SECRET, &header, BODY.replace("evt_1", "evt_2").as_bytes(), SIGNED_AT), mismatch);
        assert_eq!(check(SECRET, &header, format!("{BODY}\n").as_bytes(), SIGNED_AT), mismatch);
        // Another time than the one that was signed, and what moves the line between time and body.
        assert_eq!(check_header(&format!("t={},v1={SIGNATURE}", SIGNED_AT + 1)), mismatch);
        assert_eq!(check_header(&format!("t=0{SIGNED_AT},v1={SIGNATURE}")), mismatch);
        // Another scheme's signature, although it would fit.
        for header in [
            format!("t={SIGNED_AT}"),
            format!("t={SIGNED_AT},v0={SIGNATURE}"),
            format!("t={SIGNED_AT},v2={SIGNATURE}"),
            format!("t={SIGNED_AT},V1={SIGNATURE}"),
            format!("t={SIGNED_AT}, v1={SIGNATURE}"),
            format!("t={SIGNED_AT},v1="),
            format!("t={SIGNED_AT},v1={}", &SIGNATURE[..62]),
            format!("t={SIGNED_AT},v1={}", &SIGNATURE[..63]),
            format!("t={SIGNED_AT},v1={SIGNATURE}00"),
            format!("t={SIGNED_AT},v1={}", SIGNATURE.to_uppercase()),
        ] {
            assert_eq!(check_header(&header), mismatch, "{header}");
        }
    }

    #[test]
    fn a_header_of_another_form_is_refused() {
        for header in [
            "",
            ",",
            "t",
            "t=",
            &format!("v1={SIGNATURE}"),
            &format!("t=,v1={SIGNATURE}"),
            &format!("t=-{SIGNED_AT},v1={SIGNATURE}"),
            &format!("t=+{SIGNED_AT},v1={SIGNATURE}"),
            &format!("t= {SIGNED_AT},v1={SIGNATURE}"),
            &format!("t={SIGNED_AT}.0,v1={SIGNATURE}"),
            &format!("t=99999999999999999999,v1={SIGNATURE}"),
            &format!("t={SIGNED_AT},t={SIGNED_AT},v1={SIGNATURE}"),
            &format!("t={SIGNED_AT},v1={SIGNATURE},"),
            &format!("t={SIGNED_AT};v1={SIGNATURE}"),
            SIGNATURE,
        ] {
            assert_eq!(check_header(header), Err(BadSignature::Malformed), "{header}");
        }
    }

    #[test]
    fn a_signature_counts_for_five_minutes_around_its_time() {
        let header = format!("t={SIGNED_AT},v1={SIGNATURE}");
        for (seconds_later, verdict) in [
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(BadSignature::OutOfTime)),
            (-301, Err(BadSignature::OutOfTime)),
            (10_000_000, Err(BadSignature::OutOfTime)),
        ] {
            let at = SIGNED_AT + seconds_later;
            assert_eq!(check(SECRET, &header, BODY.as_bytes(), at), verdict, "{seconds_later}");
        }
    }

    #[test]
    fn a_secret_is_not_in_what_is_printed_of_it() {
        assert_eq!(format!("{:?}", WebhookSecret::new(SECRET)), "WebhookSecret(redacted)");
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_pass(header in "\\PC{0,200}|([tv][01=,]|[0-9a-f=,]){0,100}") {
            prop_assert!(check_header(&header).is_err());
        }

        /// In the header, in the body or in the secret.
        #[test]
        fn one_flipped_bit_never_passes(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let header = format!("t={SIGNED_AT},v1={SIGNATURE}");
            let whole = [header.as_bytes(), BODY.as_bytes(), SECRET.as_bytes()].concat();
            let mut flipped = whole.clone();
            flipped[at.index(whole.len())] ^= 1 << bit;
            let (of_header, rest) = flipped.split_at(header.len());
            let (of_body, of_secret) = rest.split_at(BODY.len());
            // Headers and secrets are text: what is none does not even come here.
            if let (Ok(header), Ok(secret)) = (std::str::from_utf8(of_header), std::str::from_utf8(of_secret)) {
                prop_assert!(check(secret, header, of_body, SIGNED_AT).is_err());
            }
        }

        /// What another program would compute, for any secret, body and time.
        #[test]
        fn whatever_is_signed_with_the_secret_passes(secret in "[!-~]{1,200}", body: Vec<u8>, at in 0_i64..9_999_999_999) {
            let mac = HmacSha256::new_from_slice(secret.as_bytes()).unwrap();
            let mac = mac.chain_update(format!("{at}.")).chain_update(&body).finalize().into_bytes();
            let hex = mac.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            prop_assert_eq!(check(&secret, &format!("t={at},v1={hex}"), &body, at), Ok(()));
        }
    }
}
