//! Which codec: by content type, or by what somebody accepts.

use std::sync::Arc;

use super::{Codec, Rkyv};
use crate::error::{EnvError, Result};
use crate::name::{escape_for_terminal, quoted};

/// The codecs of a program, in the order of its preference.
#[derive(Clone, Debug)]
pub struct Codecs(Vec<Arc<dyn Codec>>);

/// A codec that somebody accepts.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The codec.
    pub codec: Arc<dyn Codec>,
    /// Why it is not what was wanted most: which content types were preferred, and are not known
    /// here.
    pub fell_back: Option<String>,
}

impl Default for Codecs {
    /// [`Rkyv`], then JSON (with the feature `json`).
    fn default() -> Codecs {
        let codecs = Codecs::none().with(Rkyv);
        #[cfg(feature = "json")]
        let codecs = codecs.with(super::Json::new());
        codecs
    }
}

impl Codecs {
    /// No codec yet.
    pub fn none() -> Codecs {
        Codecs(Vec::new())
    }

    /// With another codec, which takes the place of one of the same content type.
    pub fn with(mut self, codec: impl Codec + 'static) -> Codecs {
        let same = |known: &Arc<dyn Codec>| is_same(known.content_type(), codec.content_type());
        match self.0.iter().position(same) {
            Some(place) => self.0[place] = Arc::new(codec),
            None => self.0.push(Arc::new(codec)),
        }
        self
    }

    /// The content types that are known.
    pub fn content_types(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|codec| codec.content_type())
    }

    /// The codec of a content type. Parameters (`; charset=utf-8`) do not count.
    ///
    /// # Errors
    /// [`EnvError::UnknownContentType`], which lists the known ones.
    pub fn get(&self, content_type: &str) -> Result<&Arc<dyn Codec>> {
        let asked = content_type.split(';').next().unwrap_or_default().trim();
        let mut codecs = self.0.iter();
        let found = codecs.find(|codec| is_same(codec.content_type(), asked));
        found.ok_or_else(|| self.unknown(content_type))
    }

    /// The codec that fits best what somebody accepts, written as in the `Accept` of HTTP (RFC 9110,
    /// section 12.5.1): `application/rkyv, application/json;q=0.5`. Of equal ones the first that is
    /// listed counts, and of those that one `*/*` allows the first of this list. An empty text
    /// accepts everything.
    ///
    /// # Errors
    /// [`EnvError::Syntax`] for a `q` that is no number from 0 to 1;
    /// [`EnvError::UnknownContentType`], which lists the known ones, when none is accepted.
    pub fn choose(&self, accept: &str) -> Result<Choice> {
        let ranges = match accept.trim() {
            "" => Range::list("*/*")?,
            _ => Range::list(accept)?,
        };
        let mut best: Option<(&Arc<dyn Codec>, &Range<'_>)> = None;
        for codec in &self.0 {
            // The most specific range says how much a type is wanted.
            let fitting = ranges
                .iter()
                .filter(|range| range.takes(codec.content_type()));
            let Some(range) = fitting.min_by_key(|range| range.stars()) else {
                continue;
            };
            let is_better = |(_, than): (_, &Range<'_>)| {
                range.quality > than.quality
                    || range.quality == than.quality && range.place < than.place
            };
            if range.quality > 0.0 && best.is_none_or(is_better) {
                best = Some((codec, range));
            }
        }
        let (codec, chosen) = best.ok_or_else(|| self.unknown(accept))?;
        let preferred = ranges.iter().filter(|range| {
            let before = range.quality == chosen.quality && range.place < chosen.place;
            range.quality > chosen.quality || before
        });
        let missing: Vec<&str> = preferred
            .filter(|range| !self.content_types().any(|known| range.takes(known)))
            .map(|range| range.name)
            .collect();
        let fell_back = (!missing.is_empty()).then(|| {
            let (missing, known) = (missing.join(", "), self.known().join(", "));
            format!(
                "{} is not known here ({known} are)",
                escape_for_terminal(&missing)
            )
        });
        Ok(Choice {
            codec: Arc::clone(codec),
            fell_back,
        })
    }

    fn known(&self) -> Vec<String> {
        self.content_types().map(str::to_owned).collect()
    }

    fn unknown(&self, asked: &str) -> EnvError {
        EnvError::UnknownContentType {
            asked: asked.to_owned(),
            known: self.known(),
        }
    }
}

fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// One of the content types that somebody accepts.
struct Range<'a> {
    /// `application/json`, `application/*` or `*/*`.
    name: &'a str,
    /// How much it is wanted, from 0 (not at all) to 1.
    quality: f32,
    /// Its place in the list.
    place: usize,
}

impl<'a> Range<'a> {
    fn list(accept: &'a str) -> Result<Vec<Range<'a>>> {
        let ranges = accept.split(',').enumerate();
        let ranges = ranges.filter(|(_, range)| !range.trim().is_empty());
        ranges
            .map(|(place, range)| {
                let mut parts = range.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default();
                let mut quality = 1.0;
                for parameter in parts {
                    let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                    if is_same(key.trim(), "q") {
                        quality = Range::quality(accept, value.trim())?;
                    }
                }
                Ok(Range {
                    name,
                    quality,
                    place,
                })
            })
            .collect()
    }

    fn quality(accept: &str, text: &str) -> Result<f32> {
        let quality = text.parse().ok().filter(|q| (0.0..=1.0).contains(q));
        quality.ok_or_else(|| EnvError::Syntax {
            text: accept.to_owned(),
            expected: "a list of content types",
            reason: format!("q is {}, and no number from 0 to 1", quoted(text)),
        })
    }

    fn takes(&self, content_type: &str) -> bool {
        match self.name.split_once('/') {
            Some(("*", "*")) => true,
            Some((of, "*")) => content_type
                .split_once('/')
                .is_some_and(|(ty, _)| is_same(of, ty)),
            _ => is_same(self.name, content_type),
        }
    }

    /// How unspecific it is.
    fn stars(&self) -> usize {
        self.name.matches('*').count()
    }
}
