//! What stands behind the question mark of a request.

use percent_encoding::percent_decode_str;

use super::refusal::{Refusal, Result};

/// The named parts of a question.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

/// Numbers in a list: of an index for each axis, or of steps into a value.
const MOST_NUMBERS: usize = 256;

impl Query {
    /// Takes `a=b&c=d` apart.
    ///
    /// # Errors
    /// When what was encoded is not UTF-8.
    pub(super) fn parse(text: &str) -> Result<Query> {
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            let text = text.map_err(|_| Refusal::question("a part that is not UTF-8"));
            text.map(|text| text.into_owned())
        };
        let parts = text.split('&').filter(|part| !part.is_empty());
        let parts = parts.map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        parts.collect::<Result<_>>().map(Query)
    }

    /// The part of that name.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let part = self.0.iter().find(|(known, _)| known == name);
        part.map(|(_, value)| value.as_str())
    }

    /// The text of that name; empty when it was not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The number of that name, or what stands for it.
    ///
    /// # Errors
    /// When it is no number.
    pub(super) fn number(&self, name: &str, otherwise: u64) -> Result<u64> {
        match self.find(name) {
            None | Some("") => Ok(otherwise),
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::question(format!("{name} is no number"))),
        }
    }

    /// The number of that name, at least 1 and at most `most`.
    ///
    /// # Errors
    /// When it is no number.
    pub(super) fn count(&self, name: &str, otherwise: u64, most: u64) -> Result<u64> {
        Ok(self.number(name, otherwise)?.clamp(1, most))
    }

    /// The numbers of that name: `1.0.3`.
    ///
    /// # Errors
    /// When one is no number, or there are too many.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<u64>> {
        let parts = self.text(name).split('.').filter(|part| !part.is_empty());
        let numbers: Vec<u64> = parts
            .take(MOST_NUMBERS + 1)
            .map(|part| {
                part.parse()
                    .map_err(|_| Refusal::question(format!("{name} is no list of numbers")))
            })
            .collect::<Result<_>>()?;
        match numbers.len() > MOST_NUMBERS {
            true => Err(Refusal::question(format!("{name} has too many numbers"))),
            false => Ok(numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        let query = Query::parse("v=%3Cb%3E%26%3D%E2%80%AE+&p=1.0.3&n=7&e").unwrap();
        assert_eq!(query.text("v"), "<b>&=\u{202e}+");
        assert_eq!(query.numbers("p").unwrap(), [1, 0, 3]);
        assert_eq!(query.count("n", 1, 5).unwrap(), 5);
        assert_eq!(query.number("missing", 9).unwrap(), 9);
        assert!(query.number("v", 0).is_err());
        assert!(Query::parse("v=%ff").is_err());
        let long = format!("p={}", "1.".repeat(300));
        assert!(Query::parse(&long).unwrap().numbers("p").is_err());
    }
}
