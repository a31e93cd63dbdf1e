//! From a column to a model type. A value that is not one of ours is an error, never a default.

use rusqlite::types::Type;
use serde::de::DeserializeOwned;

use super::row::Row;
use crate::clock::{Stamp, Tick};

/// Row numbers become ids.
pub(super) trait FromRowNumber {
    /// The id of this row.
    fn from_row_number(number: i64) -> Self;
}

impl FromRowNumber for crate::id::RunId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::TurnId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::MailId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::RetryId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::DeadLetterId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::CrashId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::EvidenceId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

impl FromRowNumber for crate::id::MarkId {
    fn from_row_number(number: i64) -> Self {
        Self(number)
    }
}

pub(super) fn id<T: FromRowNumber>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    row.get(column).map(T::from_row_number)
}

pub(super) fn optional_id<T: FromRowNumber>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(T::from_row_number))
}

pub(super) fn stamp(row: &Row<'_>, column: &str) -> rusqlite::Result<Stamp> {
    row.get(column).map(Stamp::from_millis)
}

pub(super) fn optional_stamp(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Stamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Stamp::from_millis))
}

pub(super) fn optional_tick(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Tick>> {
    let millis: Option<i64> = row.get(column)?;
    Ok(millis.map(|millis| Tick::from_boot(span(millis))))
}

/// Stored spans are never negative; a negative one is taken as none at all.
pub(super) fn span(millis: i64) -> std::time::Duration {
    std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

pub(super) fn flag(row: &Row<'_>, column: &str) -> rusqlite::Result<bool> {
    row.get(column)
}

pub(super) fn word<T>(row: &Row<'_>, column: &str, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    optional_word(row, column, parse)?.ok_or_else(|| wrong(column, "null"))
}

pub(super) fn optional_word<T>(
    row: &Row<'_>,
    column: &str,
    parse: fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text).ok_or_else(|| wrong(column, &text))).transpose()
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    optional_json(row, column)?.ok_or_else(|| wrong(column, "null"))
}

pub(super) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| wrong(column, &error.to_string()))).transpose()
}

pub(super) fn wrong(column: &str, value: &str) -> rusqlite::Error {
    let cause = format!("column {column} holds {value}, which this version does not know");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, cause.into())
}
