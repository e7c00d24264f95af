//! What a secret and its surroundings say of themselves, read offline.

/// One thing that was read off.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// Which.
    pub name: FactName,
    /// For a person to read; never the secret.
    pub value: String,
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<FactName>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The stable name of a fact, such as `account`, `expires`, `scopes`, `key_id`, `host`, `user`.
pub type FactName = std::borrow::Cow<'static, str>;
