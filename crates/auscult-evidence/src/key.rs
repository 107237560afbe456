//! Ed25519 keys (RFC 8032) in the usual files (PKCS#8 and SPKI, PEM), which openssl reads too.

use auscult_model::hex;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::merkle::from_hex;

/// A secret key.
pub struct Key(SigningKey);

/// Whose signature it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl Key {
    /// From 256 random bits.
    pub fn new(seed: [u8; 32]) -> Key {
        Key(SigningKey::from_bytes(&seed))
    }

    /// From a PEM file.
    pub fn from_pem(text: &str) -> Result<Key, String> {
        SigningKey::from_pkcs8_pem(text)
            .map(Key)
            .map_err(|error| format!("no Ed25519 private key (PKCS#8 PEM): {error}"))
    }

    /// As a PEM file.
    pub fn to_pem(&self) -> Result<String, String> {
        // Without the public half, which older programs do not expect there.
        let alone = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        let pem = alone.to_pkcs8_pem(LineEnding::LF);
        pem.map(|pem| pem.to_string())
            .map_err(|error| error.to_string())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl PublicKey {
    /// From a PEM file, or 64 hexadecimal digits.
    pub fn from_text(text: &str) -> Result<PublicKey, String> {
        let text = text.trim();
        if let Some(Ok(bytes)) = from_hex(text).map(<[u8; 32]>::try_from) {
            return Self::from_bytes(&bytes);
        }
        VerifyingKey::from_public_key_pem(text)
            .map(PublicKey)
            .map_err(|error| format!("no Ed25519 public key (SPKI PEM, or hexadecimal): {error}"))
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Result<PublicKey, String> {
        VerifyingKey::from_bytes(bytes)
            .map(PublicKey)
            .map_err(|error| error.to_string())
    }

    /// As a PEM file.
    pub(crate) fn to_pem(&self) -> Result<String, String> {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| error.to_string())
    }

    /// In hexadecimal digits.
    pub fn hex(&self) -> String {
        hex(self.0.as_bytes())
    }

    pub(crate) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(bytes, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_their_files() {
        let key = Key::new([3; 32]);
        let again = Key::from_pem(&key.to_pem().expect("a file")).expect("a key");
        assert_eq!(again.public(), key.public());
        let public = key.public();
        assert_eq!(PublicKey::from_text(&public.hex()), Ok(public.clone()));
        let pem = public.to_pem().expect("a file");
        assert_eq!(PublicKey::from_text(&pem), Ok(public.clone()));
        assert!(PublicKey::from_text("nonsense").is_err());
        assert!(public.verifies(b"text", &key.sign(b"text")));
        assert!(!public.verifies(b"texT", &key.sign(b"text")));
    }
}
