//! How times, addresses and words stand in a written report, and how they are read again.

use std::fmt::{self, Display};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::{MacAddr, PhiKind, Segment, Timestamp};

/// A value with a text of its own that can be read again.
pub(super) trait Written: Display + Sized {
    /// The value of a text; `None` when it is the text of none.
    fn read(text: &str) -> Option<Self>;
}

impl Written for Timestamp {
    fn read(text: &str) -> Option<Self> {
        Timestamp::from_rfc3339(text)
    }
}

impl Written for MacAddr {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Written for Segment {
    fn read(text: &str) -> Option<Self> {
        Segment::from_words(text)
    }
}

impl Written for PhiKind {
    fn read(text: &str) -> Option<Self> {
        PhiKind::from_word(text)
    }
}

fn read<T: Written, E: Error>(text: &str) -> Result<T, E> {
    T::read(text).ok_or_else(|| E::custom(Unreadable(text)))
}

struct Unreadable<'t>(&'t str);

impl Display for Unreadable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not what a report holds here", self.0)
    }
}

/// A time, or none.
pub(super) mod time {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| read(&text)).transpose()
    }
}

/// A list of values that are written as texts.
pub(super) mod list {
    use super::*;

    pub(crate) fn serialize<T: Written, S: Serializer>(
        list: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| read(text)).collect()
    }
}
