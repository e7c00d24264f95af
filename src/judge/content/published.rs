//! Keys that everybody has: those of emulators, test chains and vendors' documentation.

use crate::finding::normalise;

/// The first 64 bits of BLAKE3 over the value as the fingerprint takes it (PEM by its base64 alone), so that the
/// repository does not hold the keys themselves. Each was read from its vendor's documentation or source.
const PUBLISHED: &[u64] = &[
    // Accounts 0 to 19 of Hardhat and Anvil (`m/44'/60'/0'/0/N` of the mnemonic below).
    0xc032_d99a_c596_0d84,
    0x4e81_4d20_c1a0_e049,
    0x8503_b02c_7f88_8872,
    0x93e5_9045_6f80_bc74,
    0x35cf_98a4_9d32_b1de,
    0xd7af_b21a_cb7c_9d9e,
    0x9e0b_66f5_bad6_4e2d,
    0x3b57_6396_fede_e3dc,
    0x4b8b_7f72_ac31_f758,
    0x0d51_ef7e_0166_68bf,
    0xb08b_ac80_155b_0586,
    0x5178_8caa_125b_fa1b,
    0x8308_2459_24b3_06c6,
    0x41eb_4bbb_819d_91de,
    0x578f_36ed_c1a1_8ceb,
    0x1311_7ebd_7b8f_52b5,
    0x76fe_db94_55d9_891e,
    0x886c_d519_0490_fb5c,
    0xc75a_8628_7950_18e2,
    0x4023_c7a3_186a_4df3,
    // Their mnemonic: eleven times "test", then "junk".
    0x1423_4589_c430_9234,
    // The account key of Azurite, the emulator of Azure Storage.
    0xe832_2be1_fa3e_0aa3,
    // The account key of the Cosmos DB emulator.
    0xd410_8a2a_2f94_4066,
    // The key that Vagrant's boxes trust until their first start.
    0xbe40_0d6d_e487_16af,
    // Test keys of Stripe's documentation.
    0x286e_3a91_f00e_bdbe,
    0x864b_ab38_fcb7_b648,
];

/// Whether the value is one of the keys above; `0x` before it does not matter.
pub(super) fn is(value: &[u8]) -> bool {
    let value = normalise(value);
    let value = value.strip_prefix(b"0x").unwrap_or(&value);
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(value).as_bytes()[..8]);
    PUBLISHED.contains(&u64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_keys_are_known_and_their_neighbours_are_not() {
        let mnemonic = "test ".repeat(11) + "junk";
        assert!(is(mnemonic.as_bytes()));
        assert!(!is("test ".repeat(12).trim().as_bytes()));
        let account = ["ac0974bec39a17e3", "6ba4a6b4d238ff94", "4bacb478cbed5efc", "ae784d7bf4f2ff80"].concat();
        assert!(is(account.as_bytes()) && is(format!("0x{account}").as_bytes()));
        assert!(!is(account.replace('a', "b").as_bytes()));
    }
}
