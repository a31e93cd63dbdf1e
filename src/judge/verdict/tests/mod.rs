//! The table of verdicts and their properties.
