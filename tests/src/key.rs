use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Answer;

/// A key as its creator got it: the only place where its secret is.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
    /// The whole answer to its creation.
    pub created: Answer,
}

impl Key {
    #[track_caller]
    pub(crate) fn from_creation(answer: Answer) -> Self {
        let created = answer.expect(201);
        assert_eq!(
            created.header("cache-control"),
            Some("no-store"),
            "a secret may not be cached: {created}"
        );
        Self { id: created.text_at("id"), secret: created.text_at("secret"), created }
    }

    pub fn name(&self) -> &str {
        self.created.body["name"].as_str().unwrap_or_default()
    }

    /// The key's resource as created, without what is only said once.
    pub fn resource(&self) -> Value {
        let mut body = self.created.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("secret");
        }
        body
    }
}

/// SHA-256, as raw bytes and in hex.
pub fn sha256(text: &str) -> ([u8; 32], String) {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    (digest, digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// CRC-32/ISO-HDLC as eight hex digits, big-endian: what ends a secret of a hex profile.
pub fn crc32_hex(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    format!("{:08x}", !crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc_32_iso_hdlc() {
        assert_eq!(crc32_hex("123456789"), "cbf43926");
    }
}
