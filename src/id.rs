//! Short ids, unique within a state file: `r17` a run, `t83` a turn, `m42` a mail,
//! `y5` a retry, `d3` a dead letter, `c1` a crash, `k5` a mark.

/// Declares an id type: a row number with a letter in front.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $letter:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&format!(concat!($letter, "{}"), self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let digits = text.strip_prefix($letter).filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
                digits
                    .and_then(|d| d.parse().ok())
                    .map(Self)
                    .ok_or_else(|| format!("'{text}' is not an id of the form {}1", $letter))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": concat!("^", $letter, "[0-9]+$") })
            }
        }
    };
}

id!(
    /// A run: one piece of work given to an agent.
    RunId,
    "r"
);
id!(
    /// A turn: one process started for a run.
    TurnId,
    "t"
);
id!(
    /// A mail.
    MailId,
    "m"
);
id!(
    /// A retry of a run.
    RetryId,
    "y"
);
id!(
    /// A dead letter.
    DeadLetterId,
    "d"
);
id!(
    /// A crash.
    CrashId,
    "c"
);
id!(
    /// A mark.
    MarkId,
    "k"
);
id!(
    /// A piece of evidence that is stored.
    EvidenceId,
    "e"
);

/// Whether a text has the form of a run id or a turn id; agents cannot be called so.
#[must_use]
pub fn looks_like_an_id(text: &str) -> bool {
    text.parse::<RunId>().is_ok() || text.parse::<TurnId>().is_ok()
}
