//! Values that vendors print in their documentation, by fingerprint: they are in thousands of repositories and
//! open nothing. A value is added with the page that prints it.

use crate::finding::{Fingerprint, Secret};

/// Fingerprint, and where the value is printed.
const PRINTED: [(&str, &str); 4] = [
    ("ks1:16cc65545b6ee55ddaf83c339eec1759", "https://docs.stripe.com/keys"),
    ("ks1:122098c7714e33b4d6ad7efc0b10c2cb", "https://docs.stripe.com/keys, until 2018"),
    ("ks1:639655566ce6f513b98abe82416952df", "https://learn.microsoft.com/azure/storage/common/storage-use-azurite"),
    ("ks1:1de26490619894dcc6a28d90f44d9bf7", "https://learn.microsoft.com/azure/cosmos-db/emulator"),
];

/// Whether a vendor prints this value as an example.
pub(super) fn is_printed(secret: &[u8]) -> bool {
    Fingerprint::of(&Secret::new(secret)).is_some_and(|print| PRINTED.iter().any(|(known, _)| *known == print.as_str()))
}
