//! What a look at somebody else's work finds, and why. Records print it, `judge` decides over it.
//! Only words and data; who looks is `sight`.

use crate::model::Reason;
use crate::words::words;

words! {
    /// What was observed of an adopted worker, beside what is recorded of it.
    pub enum Observed {
        /// Its process lives, or its session is listed.
        Alive = "alive",
        /// Gone for certain.
        Gone = "gone",
        /// It could not be found out, or it is not there yet.
        Unknown = "unknown",
    }
}

/// One finding: what, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What was observed.
    pub observed: Observed,
    /// Why.
    pub why: Reason,
}

impl Sight {
    /// It lives.
    #[must_use]
    pub const fn alive(why: Reason) -> Self {
        Self { observed: Observed::Alive, why }
    }

    /// It is gone.
    #[must_use]
    pub const fn gone(why: Reason) -> Self {
        Self { observed: Observed::Gone, why }
    }

    /// It could not be found out.
    #[must_use]
    pub const fn unknown(why: Reason) -> Self {
        Self { observed: Observed::Unknown, why }
    }
}
