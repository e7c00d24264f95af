//! A hash that is slow to try guesses against, for secrets that could be guessed.

use argon2::{Algorithm, Argon2, Params, Version};

use crate::finding::{Secret, normalise};

/// Kibibytes of memory. With [`PASSES`] one of the five settings of OWASP's "Password Storage Cheat Sheet"
/// that it calls equally strong, and the smallest: a hook has 20 MB.
const MEMORY: u32 = 7 * 1024;
const PASSES: u32 = 5;
const LANES: u32 = 1;

/// Sixteen bytes; not secret, only different from file to file.
pub type Salt = [u8; 16];

/// Argon2id of the normalised value: 128 bits, m = 7 MiB, t = 5, p = 1.
pub fn slow_hash(secret: &Secret, salt: &Salt) -> [u8; 16] {
    let params = Params::new(MEMORY, PASSES, LANES, Some(16)).expect("because the parameters are in their ranges");
    let mut out = [0; 16];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(&normalise(secret.reveal()), salt, &mut out)
        .expect("because no secret is longer than four gigabytes");
    out
}

/// A new salt.
///
/// # Errors
/// The operating system has no random numbers.
pub fn new_salt() -> Result<Salt, String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| format!("no random numbers: {error}"))?;
    Ok(salt)
}
